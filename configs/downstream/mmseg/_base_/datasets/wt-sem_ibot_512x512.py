# WT-Sem for fine-tuning, sizes as iBOT on ADE20K: short side drawn from 256-1024, crops of 512x512; the later paper's
# batch of 4 on one GPU (one image a GPU is too few for the heads' batch norm where it is not synchronised).
_base_ = 'wt-sem_512x512.py'

train_pipeline = _base_.train_pipeline
train_pipeline[2].scale = (2048, 512)
test_pipeline = _base_.test_pipeline
test_pipeline[1].scale = (2048, 512)
train_dataloader = dict(dataset=dict(pipeline=train_pipeline))
val_dataloader = dict(dataset=dict(pipeline=test_pipeline))
test_dataloader = val_dataloader
