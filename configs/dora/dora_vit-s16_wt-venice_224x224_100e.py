# DoRA on clips of the Venice video of Walking Tours, ViT-S/16, 100 epochs: 8 frames 60 apart, which is a second at
# 60 frames/s and two at 30. Starts are drawn within minutes, and an epoch is as many frames as a video of
# 60 frames/s has (450 clips of 8 a minute): both ours.
_base_ = [
    '../_base_/models/dora_vit-s16.py',
    '../_base_/datasets/clip_views_224.py',
    '../_base_/schedules/dora_100e.py',
    '../_base_/dora_clips.py',
]

train_dataloader = dict(
    dataset=dict(
        type='FrameClipDataset',
        data_root='data/walking_tours',
        data_prefix=dict(path='videos/venice'),
        source='clips',
        clip_seconds=60,
        pairs_per_clip=450,
        num_frames=8,
        spacing=60,
        pipeline=_base_.pipeline,
    )
)
