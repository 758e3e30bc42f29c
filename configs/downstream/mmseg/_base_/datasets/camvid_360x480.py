# CamVid's 11 classes, whole images.
data_root = 'data/camvid'
load = [dict(type='LoadImageFromFile'), dict(type='LoadAnnotations')]
resize = dict(type='Resize', scale=(480, 360), keep_ratio=False)
test_pipeline = [load[0], resize, load[1], dict(type='PackSegInputs')]  # labels keep their size
val_dataloader = dict(
    batch_size=8,
    num_workers=0,
    sampler=dict(type='DefaultSampler', shuffle=False),
    dataset=dict(
        type='CamVidDataset',
        data_root=data_root,
        img_suffix='.jpg',
        data_prefix=dict(img_path='images/val', seg_map_path='labels/val'),
        pipeline=test_pipeline,
    ),
)
test_dataloader = dict(
    val_dataloader,
    dataset=dict(
        val_dataloader['dataset'],
        data_prefix=dict(img_path='images/test', seg_map_path='labels/test'),
    ),
)
train_dataloader = dict(
    batch_size=8,
    num_workers=0,
    sampler=dict(type='InfiniteSampler', shuffle=True),
    # Nothing random: items and the features of frozen networks are made once.
    dataset=dict(
        type='CachedConcatDataset',
        datasets=[
            dict(
                val_dataloader['dataset'],
                data_prefix=dict(img_path='images/train', seg_map_path='labels/train'),
                pipeline=[*load, resize, *flip, dict(type='PackSegInputs')],
            )
            for flip in ([], [dict(type='RandomFlip', prob=1.0)])
        ],
    ),
)
val_evaluator = dict(type='ClassGroupIoU', pixel_precision=True)
test_evaluator = val_evaluator
