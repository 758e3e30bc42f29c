# The small network (1.0 M parameters, for CPUs) with the exact flow of the synthetic scenes: learning by labels
# that cost nothing, before uflow_small_clips.py goes on without any.
#     python tools/make_scenes.py data/scenes --size 216 384
#     python tools/train.py configs/flow/uflow_small_scenes_exact.py
_base_ = ['uflow_scenes.py']

max_iters = 12000

model = dict(
    network='small',
    weights=dict(census=0.0, smooth2=0.0, selfsup=0.0, epe=0.1),
    data_preprocessor=dict(gain=0.2),
)
train_dataloader = dict(
    batch_size=4,
    dataset=dict(
        delta=(1, 10),
        pipeline=[
            dict(type='PairRandomCrop', area=(0.4, 1.0), aspect=2.0, size=(128, 256)),
            dict(type='LoadSceneFlow'),
            dict(type='PackFramePair'),
        ],
    ),
)
optim_wrapper = dict(optimizer=dict(lr=8e-4), clip_grad=dict(max_norm=1.0))
param_scheduler = [
    dict(type='LinearLR', start_factor=1e-2, by_epoch=False, begin=0, end=200),
    dict(type='CosineAnnealingLR', T_max=max_iters - 200, by_epoch=False, begin=200, end=max_iters),
]
train_cfg = dict(max_iters=max_iters)
