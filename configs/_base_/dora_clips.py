# What DoRA's large recipes share beside models, views and schedules: 8 GPUs x 16 clips a step.
_base_ = ['default_runtime.py']

processes = 8
train_dataloader = dict(
    batch_size=16,
    num_workers=8,
    persistent_workers=True,
    pin_memory=True,
    drop_last=True,
    sampler=dict(type='PairSampler', shuffle=True),
    collate_fn=dict(type='default_collate'),
)
custom_hooks = [
    dict(type='TargetUpdateHook'),
    dict(type='FreezeHook', part='head.last_layer', end=1),
    dict(type='PairVisualizationHook', interval=1000),  # the tracked objects
]
