# The synthetic scenes at twice their size.
_base_ = 'scenes_216x384.py'

train_dataloader = _base_.train_dataloader
train_dataloader.dataset.pipeline[2].scale = (768, 432)
test_pipeline = _base_.test_pipeline
test_pipeline[1].scale = (768, 432)
val_dataloader = dict(dataset=dict(pipeline=test_pipeline))
test_dataloader = val_dataloader
