# CamVid's train split and frames of other driving videos, half each, without labels. The frames come
# from tools/dataset_converters/extract_frames.py VIDEOS data/driving_frames --fps 10 --size 216 384.
camvid_driving = dict(
    type='MixedPairDataset',
    datasets=[
        dict(
            type='FramePairDataset',
            data_root='data/camvid',
            data_prefix=dict(path='images/train'),
            source='frames',
            fps=30,
            delta=(0.5, 1.5),
            delta_unit='seconds',
        ),
        dict(
            type='FramePairDataset',
            data_root='data/driving_frames',
            source='frames',
            fps=10,
            delta=(0.5, 1.0),
            delta_unit='seconds',
        ),
    ],
    weights=(1, 1),
)
