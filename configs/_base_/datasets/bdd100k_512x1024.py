# BDD100K (§4.1): pairs 15 to 30 frames apart, undistorted crops of area 0.16 to 0.45. Two pairs a visit
# of a video, an epoch visits half of the videos: as many pairs an epoch as videos, and a pass over the
# videos counts as two epochs (app. A's repeated sampling with the released code's R).
repeats = 2
train_dataloader = dict(
    batch_size=4,  # videos; x 2 pairs x 16 GPUs = 128 pairs
    num_workers=8,
    persistent_workers=True,
    pin_memory=True,
    drop_last=True,
    sampler=dict(type='PairSampler', shuffle=True, parts=repeats),
    collate_fn=dict(type='poodle_mm.frame_pair_collate'),
    dataset=dict(
        type='FramePairDataset',
        data_root='data/bdd100k',
        data_prefix=dict(path='videos/train'),
        source='videos',
        delta=(15, 30),
        delta_unit='frames',
        repeats=repeats,
        pipeline=[
            dict(type='PairRandomCrop', scale=(0.75, 1.25), size=(512, 1024)),
            dict(type='PackFramePair'),
        ],
    ),
)
