# multi_crop_bdd.py on the Venice video of Walking Tours: 75 frames of each 10-second clip, as many as PooDLe's
# recipe has pairs there (ours).
_base_ = ['datasets/walking_tours_512x1024.py', 'default_runtime.py']

processes = 8
train_dataloader = dict(
    batch_size=32,
    collate_fn=dict(type='default_collate'),
    dataset=dict(data_prefix=dict(path='videos/venice'), pairs_per_clip=75),
)
custom_hooks = [
    dict(type='TargetUpdateHook'),
    dict(type='FreezeHook', part='head.last_layer', end=1),
]
