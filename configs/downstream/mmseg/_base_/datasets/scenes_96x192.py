# Synthetic driving scenes, whole images at the size of the demo; folders as CamVid's.
_base_ = 'camvid_360x480.py'

data_root = 'data/scenes'
resize = dict(type='Resize', scale=(192, 96), keep_ratio=False)
test_pipeline = _base_.test_pipeline
test_pipeline[1] = resize
val_dataloader = dict(
    dataset=dict(
        type='BDD100KDataset', data_root=data_root, img_suffix='.png', pipeline=test_pipeline
    )
)
test_dataloader = val_dataloader
train_dataloader = dict(
    dataset=dict(
        datasets=[
            dict(
                part,
                type='BDD100KDataset',
                data_root=data_root,
                img_suffix='.png',
                pipeline=[*part.pipeline[:2], resize, *part.pipeline[3:]],
            )
            for part in _base_.train_dataloader.dataset.datasets
        ]
    )
)
