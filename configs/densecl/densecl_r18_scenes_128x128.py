# DenseCL on single frames of the synthetic driving scenes, small.
_base_ = [
    '../_base_/image_r18.py',
    '../_base_/models/densecl_r18_quarter.py',
    '../_base_/datasets/densecl_views_128.py',
    '../_base_/datasets/scenes_driving.py',
]

train_dataloader = dict(dataset=dict(_base_.scenes_driving, pipeline=_base_.pipeline))
custom_hooks = [dict(type='ProjectionSpreadHook'), *_base_.custom_hooks]
