# DoRA on clips of the synthetic driving scenes, small: 4 frames half a second apart, as the videos last 2.4 s.
_base_ = [
    '../_base_/multi_crop_small.py',
    '../_base_/models/dora_vit-xs8.py',
    '../_base_/datasets/clip_views_128.py',
    '../_base_/datasets/scenes_driving.py',
]

scenes_driving = _base_.scenes_driving
scenes_driving.pop('delta')
scenes_driving.pop('delta_unit')
train_dataloader = dict(
    batch_size=4,  # clips: 16 frames a step
    dataset=dict(
        scenes_driving,
        type='FrameClipDataset',
        num_frames=4,
        spacing=0.5,
        spacing_unit='seconds',
        pipeline=_base_.pipeline,
    ),
)
