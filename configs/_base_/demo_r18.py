# What the demos share: a small PooDLe, small crops, a run by iterations, a linear readout.
_base_ = [
    'models/poodle_r18_quarter.py',
    'schedules/adamw_cosine_iters.py',
    'default_runtime.py',
]

processes = 2  # two cores learn faster as two processes of 8 pairs than as one of 16
train_dataloader = dict(
    batch_size=8,
    num_workers=1,
    persistent_workers=True,
    sampler=dict(type='PairSampler', shuffle=True, infinite=True),
    collate_fn=dict(type='poodle_mm.frame_pair_collate'),
    dataset=dict(
        type='FramePairDataset',
        delta_unit='seconds',
        pipeline=[
            # undistorted, 0.32 to 0.89 of a 16:9 frame (ours)
            dict(type='PairRandomCrop', scale=(0.75, 1.25), short_side=144, size=(96, 192)),
            dict(type='PackFramePair'),
        ],
    ),
)
default_hooks = dict(
    checkpoint=dict(by_epoch=False, interval=500, max_keep_ckpts=2),
)
custom_hooks = [
    dict(type='TargetUpdateHook'),
    dict(type='PairVisualizationHook', interval=300),
]
env_cfg = dict(dist_cfg=dict(backend='gloo', timeout=180))
log_processor = dict(by_epoch=False)
readout = dict(size=(96, 192))
