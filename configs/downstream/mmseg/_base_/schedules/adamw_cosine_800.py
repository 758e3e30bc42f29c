# Minutes on a CPU, for small data sets (ours).
optim_wrapper = dict(
    type='OptimWrapper',
    optimizer=dict(type='AdamW', lr=5e-2, weight_decay=0),
)
param_scheduler = [dict(type='CosineAnnealingLR', begin=0, end=800, T_max=800, by_epoch=False)]
train_cfg = dict(type='IterBasedTrainLoop', max_iters=800, val_interval=1000)
val_cfg = dict(type='ValLoop')
test_cfg = dict(type='TestLoop')
auto_scale_lr = dict(enable=False, base_batch_size=8)
