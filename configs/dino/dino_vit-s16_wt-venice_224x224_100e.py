# DINO on single frames of the Venice video of Walking Tours, ViT-S/16, 100 epochs.
_base_ = [
    '../_base_/models/dino_vit-s16.py',
    '../_base_/datasets/multi_crop_224.py',
    '../_base_/schedules/dino_100e.py',
    '../_base_/multi_crop_wt.py',
]

model = dict(warmup=0.3)  # 30 of 100 epochs
train_dataloader = dict(dataset=dict(pipeline=_base_.pipeline))
