# DenseCL on single frames of the synthetic driving scenes, small.
_base_ = [
    '../../_base_/image_r18.py',
    '../../_base_/models/densecl_r18_quarter.py',
    '../../_base_/datasets/densecl_views_128.py',
]

train_dataloader = dict(
    dataset=dict(
        type='FramePairDataset',
        data_root='work_dirs/scenes',
        data_prefix=dict(path='videos/train'),
        source='videos',
        delta=(0.5, 1.0),
        delta_unit='seconds',
        pipeline=_base_.pipeline,
    ),
)
