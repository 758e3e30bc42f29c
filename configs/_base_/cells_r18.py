# What the small configs in the paper's counts of cells share: data apart, the authors' ablation config.
_base_ = [
    'models/poodle_r18_cells.py',
    'schedules/adamw_cosine_iters.py',
    'default_runtime.py',
    'recipes/release.py',
]

max_iters = 1000
warmup = max_iters * 3 // 40

processes = 1  # several runs side by side use the cores better than several processes
model = {{_base_.release_model}}
train_dataloader = dict(
    batch_size=16,
    num_workers=1,
    persistent_workers=True,
    sampler=dict(type='PairSampler', shuffle=True, infinite=True),
    collate_fn=dict(type='poodle_mm.frame_pair_collate'),
)
# The authors' decay; at their rate, 1e-3, so short a run of PooDLe learns less (docs/results.md).
optim_wrapper = dict(optimizer=dict(lr=4e-3, weight_decay=1e-6, eps=1e-6))
param_scheduler = _base_.param_scheduler
param_scheduler[0].update(end=warmup)
param_scheduler[1].update(T_max=max_iters - warmup, begin=warmup, end=max_iters)
train_cfg = dict(max_iters=max_iters)
default_hooks = dict(checkpoint=dict(by_epoch=False, interval=250, max_keep_ckpts=2))
custom_hooks = [
    dict(type='TargetUpdateHook'),
    dict(type='PairVisualizationHook', interval=500),
]
env_cfg = dict(dist_cfg=dict(backend='gloo', timeout=180))
log_processor = dict(by_epoch=False)
