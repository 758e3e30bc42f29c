# ADE20K for ViTs' linear readouts: as ade20k_512x1024.py, crops of 512x512.
_base_ = 'ade20k_512x1024.py'

train_pipeline = _base_.train_pipeline
train_pipeline[3].crop_size = (512, 512)
train_dataloader = dict(dataset=dict(pipeline=train_pipeline))
