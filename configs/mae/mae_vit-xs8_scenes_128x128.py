# MAE on single frames of the synthetic driving scenes, small.
_base_ = [
    '../_base_/image_r18.py',
    '../_base_/models/mae_vit-xs8.py',
    '../_base_/datasets/mae_views_128.py',
    '../_base_/datasets/scenes_driving.py',
]

train_dataloader = dict(dataset=dict(_base_.scenes_driving, pipeline=_base_.pipeline))
# MAE's betas and decay, the rate is ours
optim_wrapper = dict(optimizer=dict(lr=2e-3, betas=(0.9, 0.95), weight_decay=0.05))
