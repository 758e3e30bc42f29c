# ADE20K (150 classes) as iBOT and MMSegmentation: short side drawn from 256-1024, crops of 512x512;
# 4 GPUs of 4 images.
_base_ = 'ade20k_512x512.py'

train_pipeline = _base_.train_pipeline
train_pipeline[2].scale = (2048, 512)
test_pipeline = _base_.test_pipeline
test_pipeline[1].scale = (2048, 512)
train_dataloader = dict(dataset=dict(pipeline=train_pipeline))
val_dataloader = dict(dataset=dict(pipeline=test_pipeline))
test_dataloader = val_dataloader
