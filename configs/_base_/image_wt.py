# image_bdd.py on Walking Tours: as many frames an epoch as PooDLe's recipes have pairs there.
_base_ = ['datasets/walking_tours_512x1024.py', 'default_runtime.py']

train_dataloader = dict(collate_fn=dict(type='default_collate'))
default_hooks = dict(checkpoint=dict(interval=10))
custom_hooks = []
