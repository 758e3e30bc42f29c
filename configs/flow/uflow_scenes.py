# UFlow without labels on the synthetic driving scenes, for CPUs.
#     python tools/make_scenes.py data/scenes --size 216 384
#     python tools/train.py configs/flow/uflow_scenes.py
_base_ = ['../_base_/flow_training.py']

max_iters = 4000

model = dict(
    weights=dict(census=1.0, ssim=0.0, coarse=0.25, smooth2=2.0, selfsup=0.6),
    # flow of an untrained network agrees with its way back almost nowhere
    occlusion=dict(begin=0.15),
    selfsup=dict(begin=0.5, ramp=0.1, crop=(32, 64)),
    data_preprocessor=dict(flip_prob=0.5),
)
train_dataloader = dict(
    batch_size=2,
    num_workers=1,
    dataset=dict(
        type='FramePairDataset',
        data_root='data/scenes',
        data_prefix=dict(path='videos/train'),
        source='videos',
        delta=(1, 5),
        delta_unit='frames',
        pipeline=[
            dict(type='PairRandomCrop', area=(0.5, 1.0), aspect=2.0, size=(160, 320)),
            dict(type='PackFramePair'),
        ],
    ),
)
param_scheduler = [
    dict(type='LinearLR', start_factor=1e-2, by_epoch=False, begin=0, end=200),
    dict(type='CosineAnnealingLR', T_max=max_iters - 200, by_epoch=False, begin=200, end=max_iters),
]
train_cfg = dict(max_iters=max_iters)
default_hooks = dict(checkpoint=dict(interval=500))
