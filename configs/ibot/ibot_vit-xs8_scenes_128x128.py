# iBOT on single frames of the synthetic driving scenes, small.
_base_ = [
    '../_base_/multi_crop_small.py',
    '../_base_/models/ibot_vit-xs8.py',
    '../_base_/datasets/ibot_views_128.py',
    '../_base_/datasets/scenes_driving.py',
]

train_dataloader = dict(dataset=dict(_base_.scenes_driving, pipeline=_base_.pipeline))
