# The authors' ablation config in the paper's counts of cells, on real frames: CamVid's train split (480x360) and
# frames of driving videos at 360 rows, half each. A crop takes 136 to 228 rows, as the paper's does of 720: the
# same number of a frame's pixels to a cell, and twice the scene to each side. The release recipe without affine
# and flip; frames 15 apart at 30 a second, in CamVid, which has one a second, 30.
#     python tools/dataset_converters/extract_frames.py VIDEOS data/driving_frames360 --fps 10 --size 360 640
_base_ = ['../../_base_/cells_r18.py']

pipeline = [
    dict(type='PairRandomCrop', scale=(0.75, 1.25), short_side=270, size=(128, 256)),
    dict(type='PackFramePair'),
]
# None, spelt out: overlays change it.
model = dict(data_preprocessor=dict(affine=dict(scale=(1, 1), angle=(0, 0), flip_prob=0)))
train_dataloader = dict(
    dataset=dict(
        type='MixedPairDataset',
        datasets=[
            dict(
                type='FramePairDataset',
                data_root='data/camvid',
                data_prefix=dict(path='images/train'),
                source='frames',
                fps=30,
                delta=1.0,
                delta_unit='seconds',
            ),
            dict(
                type='FramePairDataset',
                data_root='data/driving_frames360',
                source='frames',
                fps=10,
                delta=0.5,
                delta_unit='seconds',
            ),
        ],
        weights=(1, 1),
        pipeline=pipeline,
    ),
)
