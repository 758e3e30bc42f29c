# A small network trained from random weights on a CPU (ours).
optim_wrapper = dict(
    type='OptimWrapper',
    optimizer=dict(type='AdamW', lr=2e-3, weight_decay=0.05),
)
param_scheduler = [
    dict(type='LinearLR', start_factor=1e-2, begin=0, end=60, by_epoch=False),
    dict(type='CosineAnnealingLR', begin=60, end=1200, T_max=1140, by_epoch=False),
]
train_cfg = dict(type='IterBasedTrainLoop', max_iters=1200, val_interval=2000)
val_cfg = dict(type='ValLoop')
test_cfg = dict(type='TestLoop')
auto_scale_lr = dict(enable=False, base_batch_size=8)
