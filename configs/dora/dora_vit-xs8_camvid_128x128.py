# DoRA on clips of the videos that PooDLe sees in ablations/camvid, small: 4 frames. CamVid's are a second apart
# (most of the labelled frames are), those of the other videos about half a second, as some last 1.5 s.
_base_ = [
    '../_base_/multi_crop_small.py',
    '../_base_/models/dora_vit-xs8.py',
    '../_base_/datasets/clip_views_128.py',
    '../_base_/datasets/camvid_driving.py',
]

camvid_driving = _base_.camvid_driving
for dataset, spacing in zip(camvid_driving.datasets, ((0.5, 1.5), (0.3, 0.5))):
    dataset.pop('delta')
    dataset.pop('delta_unit')
    dataset.update(
        type='FrameClipDataset', num_frames=4, spacing=spacing, spacing_unit='seconds'
    )
train_dataloader = dict(
    batch_size=4,  # clips: 16 frames a step
    dataset=dict(camvid_driving, pipeline=_base_.pipeline),
)
