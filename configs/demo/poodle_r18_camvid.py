# The demo on real frames: CamVid's train split, frames 0.5 to 1.5 s apart, no labels used.
_base_ = ['../_base_/demo_r18.py']

train_dataloader = dict(
    dataset=dict(
        data_root='data/camvid',
        data_prefix=dict(path='images/train'),
        source='frames',
        fps=30,
        delta=(0.5, 1.5),
    ),
)
readout = dict(suite='camvid')
