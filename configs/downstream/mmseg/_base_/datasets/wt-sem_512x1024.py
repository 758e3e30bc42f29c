# WT-Sem (Walking-Tours-Semantic): frames of Walking Tours, a frame every 2 s, with OpenSeeD's labels in ADE20K's 150
# classes; sizes as on BDD100K: short side drawn from 512-2048, crops of 512x1024; 4 GPUs of 4 images.
# Folders as tools/dataset_converters/pseudo_label.py writes them; see that a download looks like this:
#     python tools/check_data.py wt-sem data/wt_sem
data_root = 'data/wt_sem'
labels = dict(
    reduce_zero_label=True,  # as ADE20K: 0 = other, class i is stored as i + 1; False: class i is i, 255 is ignored
    img_suffix='.jpg',
)
train_pipeline = [
    dict(type='LoadImageFromFile'),
    dict(type='LoadAnnotations'),
    # the short side is 1024 x U(0.5, 2), the ratio kept: 2048 binds only images wider than 2:1
    dict(type='RandomResize', scale=(2048, 1024), ratio_range=(0.5, 2.0), keep_ratio=True),
    dict(type='RandomCrop', crop_size=(512, 1024), cat_max_ratio=0.75),
    dict(type='RandomFlip', prob=0.5),
    dict(type='PhotoMetricDistortion'),
    dict(type='PackSegInputs'),
]
test_pipeline = [
    dict(type='LoadImageFromFile'),
    dict(type='Resize', scale=(2048, 1024), keep_ratio=True),
    dict(type='LoadAnnotations'),  # after the resize: scored at the labels' own size
    dict(type='PackSegInputs'),
]
train_dataloader = dict(
    batch_size=4,
    num_workers=4,
    persistent_workers=True,
    sampler=dict(type='InfiniteSampler', shuffle=True),
    dataset=dict(
        type='ADE20KDataset',
        data_root=data_root,
        data_prefix=dict(img_path='images/train', seg_map_path='annotations/train'),
        pipeline=train_pipeline,
        **labels,
    ),
)
val_dataloader = dict(
    batch_size=1,
    num_workers=4,
    persistent_workers=True,
    sampler=dict(type='DefaultSampler', shuffle=False),
    dataset=dict(
        type='ADE20KDataset',
        data_root=data_root,
        data_prefix=dict(img_path='images/val', seg_map_path='annotations/val'),
        pipeline=test_pipeline,
        **labels,
    ),
)
test_dataloader = val_dataloader
val_evaluator = dict(type='ClassGroupIoU')
test_evaluator = val_evaluator
