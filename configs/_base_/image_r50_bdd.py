# What BYOL and DenseCL share on BDD100K: single frames; optimizer and length are the ablations' (ours), for
# equal budgets.
_base_ = ['datasets/bdd100k_512x1024.py', 'schedules/adamw_cosine_40e.py', 'default_runtime.py']

processes = 2
train_dataloader = dict(
    batch_size=20,
    sampler=dict(parts=1),
    collate_fn=dict(type='default_collate'),
    dataset=dict(repeats=1),
)
custom_hooks = [dict(type='CollapseMonitorHook')]
