# The demo: a small PooDLe on synthetic driving scenes, about five minutes on two CPU cores.
_base_ = ['../_base_/demo_r18.py']

scenes = dict(
    counts=dict(train=120, val=20, test=30),
    size=(288, 512),
    num_frames=24,
    fps=10,
    labelled_frames=3,
)
train_dataloader = dict(
    dataset=dict(
        data_root='work_dirs/scenes',
        data_prefix=dict(path='videos/train'),
        source='videos',
        delta=(0.5, 1.0),
    ),
)
readout = dict(dataset='scenes')
