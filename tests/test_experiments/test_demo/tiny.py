"""A demo config that takes seconds."""

TINY_DEMO = """
default_scope = 'poodle_mm'
scenes = dict(
    counts=dict(train=2, val=1, test=1),
    size=(64, 128),
    num_frames=6,
    fps=10.0,
    labelled_frames=2,
)
readout = dict(suite='scenes', size=(64, 128), iters=3)
model = dict(
    type='PooDLe',
    momentum=0.98,
    data_preprocessor=dict(
        type='FramePairPreprocessor',
        flow=dict(type='DISFlow', preset='ultrafast'),
        subcrops=dict(num=2, size=32, area=(0.05, 0.3)),
    ),
    backbone=dict(
        type='mmpretrain.ResNet', depth=18, stem_channels=8, base_channels=8, out_indices=(1, 2, 3)
    ),
    neck=dict(type='SpatialDecoderModule', in_channels=[16, 32, 64]),
    dense_head=dict(type='DenseFlowHead', in_channels=64, hidden_channels=32, out_channels=16),
    pooled_head=dict(type='PooledHead', in_channels=64, hidden_channels=32, out_channels=16),
)
train_dataloader = dict(
    batch_size=2,
    num_workers=0,
    sampler=dict(type='PairSampler', infinite=True),
    collate_fn=dict(type='poodle_mm.frame_pair_collate'),
    dataset=dict(
        type='FramePairDataset',
        data_root='set by the test',
        data_prefix=dict(path='videos/train'),
        source='videos',
        delta=(1, 3),
        delta_unit='frames',
        pipeline=[
            dict(type='PairRandomCrop', area=(0.5, 1.0), size=(64, 128)),
            dict(type='PackFramePair'),
        ],
    ),
)
optim_wrapper = dict(optimizer=dict(type='AdamW', lr=1e-3, weight_decay=0.01))
param_scheduler = [
    dict(type='LinearLR', start_factor=0.01, by_epoch=False, begin=0, end=4),
    dict(type='CosineAnnealingLR', by_epoch=False, begin=4, end=10, T_max=6),
]
train_cfg = dict(type='IterBasedTrainLoop', max_iters=10)
default_hooks = dict(
    checkpoint=dict(type='AtomicCheckpointHook', by_epoch=False, interval=5, max_keep_ckpts=2)
)
custom_hooks = [dict(type='TargetUpdateHook')]
log_processor = dict(by_epoch=False)
"""
