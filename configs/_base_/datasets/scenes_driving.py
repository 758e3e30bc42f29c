# Videos of the synthetic driving scenes, without labels (tools/make_scenes.py data/scenes).
scenes_driving = dict(
    type='FramePairDataset',
    data_root='data/scenes',
    data_prefix=dict(path='videos/train'),
    source='videos',
    delta=(0.5, 1.0),
    delta_unit='seconds',
)
