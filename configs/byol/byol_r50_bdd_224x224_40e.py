# BYOL on single frames of BDD100K, ResNet-50, 40 epochs of 40 frames a step (2 GPUs).
_base_ = [
    '../_base_/models/byol_r50.py',
    '../_base_/datasets/byol_views_224.py',
    '../_base_/image_r50_bdd.py',
]

train_dataloader = dict(dataset=dict(pipeline=_base_.pipeline))
custom_hooks = [dict(type='ProjectionSpreadHook'), *_base_.custom_hooks]
