# BYOL on single frames of BDD100K. Optimizer and length are the ablations' (ours), for equal budgets.
_base_ = [
    '../../_base_/models/byol_r50.py',
    '../../_base_/datasets/byol_views_224.py',
    '../../_base_/datasets/bdd100k_512x1024.py',
    '../../_base_/schedules/adamw_cosine_40e.py',
    '../../_base_/default_runtime.py',
]

processes = 2
dataset = _base_.train_dataloader.dataset
dataset.update(_delete_=True, pipeline=_base_.pipeline, repeats=1)
train_dataloader = dict(
    batch_size=20,
    sampler=dict(parts=1),
    collate_fn=dict(type='default_collate'),
    dataset=dataset,
)
custom_hooks = [dict(type='CollapseMonitorHook')]
