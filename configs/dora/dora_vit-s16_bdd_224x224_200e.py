# DoRA on clips of BDD100K, ViT-S/16, 200 epochs, a clip of each video an epoch: 8 frames a second apart, as in
# Walking Tours; at 30 frames/s that is 30 frames (ours).
_base_ = [
    '../_base_/models/dora_vit-s16.py',
    '../_base_/datasets/clip_views_224.py',
    '../_base_/schedules/dora_100e.py',
    '../_base_/dora_clips.py',
]

schedule_epochs = 200

model = dict(warmup=0.15)  # 30 of 200 epochs
param_scheduler = _base_.param_scheduler
param_scheduler[1].update(T_max=schedule_epochs - _base_.warmup_epochs, end=schedule_epochs)
param_scheduler[2].update(T_max=schedule_epochs, end=schedule_epochs)
train_cfg = dict(max_epochs=schedule_epochs)
train_dataloader = dict(
    dataset=dict(
        type='FrameClipDataset',
        data_root='data/bdd100k',
        data_prefix=dict(path='videos/train'),
        source='videos',
        num_frames=8,
        spacing=1.0,
        spacing_unit='seconds',
        pipeline=_base_.pipeline,
    )
)
