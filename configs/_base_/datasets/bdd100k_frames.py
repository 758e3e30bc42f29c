# BDD100K for methods on single frames: a frame of each video an epoch, frame t of a pair. An epoch has
# as many frames as there are videos (70,000).
_base_ = ['bdd100k_512x1024.py']

train_dataloader = dict(
    sampler=dict(parts=1),
    collate_fn=dict(type='default_collate'),
    dataset=dict(repeats=1),
)
