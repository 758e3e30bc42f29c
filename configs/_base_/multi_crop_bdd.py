# What DINO and iBOT share on BDD100K beside their schedules: single frames, 8 GPUs x 32 of them a step.
_base_ = ['datasets/bdd100k_512x1024.py', 'default_runtime.py']

processes = 8
train_dataloader = dict(
    batch_size=32,
    sampler=dict(parts=1),
    collate_fn=dict(type='default_collate'),
    dataset=dict(repeats=1),
)
custom_hooks = [
    dict(type='TargetUpdateHook'),
    dict(type='FreezeHook', part='head.last_layer', end=1),
]
