# The small network without labels on the synthetic scenes, at half of UFlow's size: there it reaches the motion of
# half a second on a CPU's budget, and is the start of DIS.
#     python tools/make_scenes.py data/scenes --size 216 384
#     python tools/train.py configs/flow/uflow_small_scenes.py
_base_ = ['uflow_scenes.py']

max_iters = 6000

model = dict(network='small')
train_dataloader = dict(
    batch_size=4,
    dataset=dict(
        delta=(1, 8),
        pipeline=[
            dict(type='PairRandomCrop', area=(0.5, 1.0), aspect=2.0, size=(128, 256)),
            dict(type='PackFramePair'),
        ],
    ),
)
optim_wrapper = dict(optimizer=dict(lr=4e-4), clip_grad=dict(max_norm=1.0))
param_scheduler = [
    dict(type='LinearLR', start_factor=1e-2, by_epoch=False, begin=0, end=200),
    dict(type='CosineAnnealingLR', T_max=max_iters - 200, by_epoch=False, begin=200, end=max_iters),
]
train_cfg = dict(max_iters=max_iters)
