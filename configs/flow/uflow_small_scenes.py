# The small network without labels on the synthetic scenes.
#     python tools/train.py configs/flow/uflow_small_scenes.py
_base_ = ['uflow_scenes.py']

max_iters = 6000

model = dict(network='small')
train_dataloader = dict(batch_size=4, dataset=dict(delta=(1, 6)))
optim_wrapper = dict(optimizer=dict(lr=4e-4), clip_grad=dict(max_norm=1.0))
param_scheduler = [
    dict(type='LinearLR', start_factor=1e-2, by_epoch=False, begin=0, end=200),
    dict(type='CosineAnnealingLR', T_max=max_iters - 200, by_epoch=False, begin=200, end=max_iters),
]
train_cfg = dict(max_iters=max_iters)
