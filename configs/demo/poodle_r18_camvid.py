# The demo on real frames: CamVid's train split, frames 0.5 to 1.5 s apart, no labels used.
_base_ = ['../_base_/demo_r18.py']

train_dataloader = dict(
    dataset=dict(
        data_root='data/camvid',
        data_prefix=dict(path='images/train'),
        source='frames',
        fps=30,
        delta=(0.5, 1.5),
        pipeline=[
            # 0.24 to 0.67 of its 4:3 frames, as much as 2:1 allows (ours)
            dict(type='PairRandomCrop', scale=(0.75, 1.25), short_side=192, size=(96, 192)),
            dict(type='PackFramePair'),
        ],
    ),
)
readout = dict(suite='camvid')
