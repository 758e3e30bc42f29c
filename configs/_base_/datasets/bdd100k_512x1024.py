# BDD100K (§4.1): a pair a video and epoch, 15 to 30 frames apart, crops of area 0.16 to 0.45.
train_dataloader = dict(
    batch_size=8,  # x 16 GPUs = 128
    num_workers=8,
    persistent_workers=True,
    pin_memory=True,
    drop_last=True,
    sampler=dict(type='PairSampler', shuffle=True),
    collate_fn=dict(type='poodle_mm.frame_pair_collate'),
    dataset=dict(
        type='FramePairDataset',
        data_root='data/bdd100k',
        data_prefix=dict(path='videos/train'),
        source='videos',
        delta=(15, 30),
        delta_unit='frames',
        pipeline=[
            dict(type='PairRandomCrop', area=(0.16, 0.45), size=(512, 1024)),
            dict(type='PackFramePair'),
        ],
    ),
)
