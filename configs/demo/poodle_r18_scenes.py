# The demo: a small PooDLe on synthetic driving scenes, about ten minutes on two CPU cores.
_base_ = ['../_base_/demo_r18.py']

scenes = dict(
    counts=dict(train=96, val=24, test=32),
    size=(216, 384),
    num_frames=24,
    fps=10,
    labelled_frames=4,
)
train_dataloader = dict(
    dataset=dict(
        data_root='data/scenes',
        data_prefix=dict(path='videos/train'),
        source='videos',
        delta=(0.5, 1.0),
    ),
)
readout = dict(suite='scenes')
