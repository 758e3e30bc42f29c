# What the small DINO and iBOT share: image_r18.py's length and loading, the large ones' clipping and weight decay.
_base_ = ['image_r18.py']

optim_wrapper = dict(
    optimizer=dict(lr=1e-3, weight_decay=0.04), clip_grad=dict(max_norm=3.0)
)
param_scheduler = [
    *_base_.param_scheduler,
    dict(
        type='mmpretrain.CosineAnnealingWeightDecay',
        T_max=_base_.max_iters,
        eta_min=0.4,
        by_epoch=False,
        begin=0,
        end=_base_.max_iters,
    ),
]
custom_hooks = [
    dict(type='TargetUpdateHook'),
    dict(type='FreezeHook', part='head.last_layer', end=10, by_epoch=False),
]
