# BDD100K detection, 10 classes, at the images' own size alone (FlowE's paper: no multi-scale); 8 GPUs of 2 images.
# The *_coco.json come from tools/dataset_converters/bdd100k_det_to_coco.py.
data_root = 'data/bdd100k'
train_dataloader = dict(
    batch_size=2,
    num_workers=4,
    persistent_workers=True,
    sampler=dict(type='DefaultSampler', shuffle=True),
    batch_sampler=dict(type='AspectRatioBatchSampler'),
    dataset=dict(
        type='BDD100KDetDataset',
        data_root=data_root,
        ann_file='labels/det_20/det_train_coco.json',
        data_prefix=dict(img='images/100k/train'),
        filter_cfg=dict(filter_empty_gt=True, min_size=32),
        pipeline=[
            dict(type='LoadImageFromFile'),
            dict(type='LoadAnnotations', with_bbox=True),
            dict(type='Resize', scale=(1280, 720), keep_ratio=True),
            dict(type='RandomFlip', prob=0.5),
            dict(type='PackDetInputs'),
        ],
    ),
)
test_pipeline = [
    dict(type='LoadImageFromFile'),
    dict(type='Resize', scale=(1280, 720), keep_ratio=True),
    dict(type='LoadAnnotations', with_bbox=True),
    dict(
        type='PackDetInputs',
        meta_keys=('img_id', 'img_path', 'ori_shape', 'img_shape', 'scale_factor'),
    ),
]
val_dataloader = dict(
    batch_size=1,
    num_workers=4,
    persistent_workers=True,
    sampler=dict(type='DefaultSampler', shuffle=False),
    dataset=dict(
        type='BDD100KDetDataset',
        data_root=data_root,
        ann_file='labels/det_20/det_val_coco.json',
        data_prefix=dict(img='images/100k/val'),
        test_mode=True,
        pipeline=test_pipeline,
    ),
)
test_dataloader = val_dataloader  # the labels of the test split are not public
val_evaluator = dict(
    type='CocoMetric',
    ann_file=f'{data_root}/labels/det_20/det_val_coco.json',
    metric='bbox',
    classwise=True,
)
test_evaluator = val_evaluator
