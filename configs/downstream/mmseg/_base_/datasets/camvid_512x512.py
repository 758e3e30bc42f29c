# CamVid's 11 classes, enlarged, crops of 512x512 for ViTs.
_base_ = 'random_crops.py'

data_root = 'data/camvid'
train_pipeline = _base_.train_pipeline
train_pipeline[2].scale = (2048, 512)
train_pipeline[3].crop_size = (512, 512)
test_pipeline = _base_.test_pipeline
test_pipeline[1].scale = (2048, 512)
train_dataloader = dict(
    batch_size=8,
    dataset=dict(
        type='CamVidDataset',
        data_root=data_root,
        img_suffix='.jpg',
        data_prefix=dict(img_path='images/train', seg_map_path='labels/train'),
        pipeline=train_pipeline,
    ),
)
val_dataloader = dict(
    dataset=dict(
        type='CamVidDataset',
        data_root=data_root,
        img_suffix='.jpg',
        data_prefix=dict(img_path='images/val', seg_map_path='labels/val'),
        pipeline=test_pipeline,
    ),
)
test_dataloader = dict(
    dataset=dict(
        type='CamVidDataset',
        data_root=data_root,
        img_suffix='.jpg',
        data_prefix=dict(img_path='images/test', seg_map_path='labels/test'),
        pipeline=test_pipeline,
    ),
)
