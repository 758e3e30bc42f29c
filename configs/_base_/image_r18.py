# What the small image baselines share: the demos' schedule and loading, views by mmpretrain.
_base_ = ['schedules/adamw_cosine_iters.py', 'default_runtime.py']

processes = 1
train_dataloader = dict(
    batch_size=16,
    num_workers=1,
    persistent_workers=True,
    sampler=dict(type='PairSampler', shuffle=True, infinite=True),
    collate_fn=dict(type='default_collate'),
)
default_hooks = dict(checkpoint=dict(by_epoch=False, interval=500, max_keep_ckpts=2))
custom_hooks = []
optim_wrapper = dict(optimizer=dict(eps=1e-6))  # that of the small ablations
env_cfg = dict(dist_cfg=dict(backend='gloo', timeout=180))
log_processor = dict(by_epoch=False)
