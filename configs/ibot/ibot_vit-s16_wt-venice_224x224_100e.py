# iBOT on single frames of the Venice video of Walking Tours, ViT-S/16, 100 epochs: ten local views, two masks.
_base_ = [
    '../_base_/models/ibot_vit-s16.py',
    '../_base_/datasets/ibot_views_224.py',
    '../_base_/schedules/dino_100e.py',
    '../_base_/multi_crop_wt.py',
]

model = dict(warmup=0.3)  # 30 of 100 epochs
train_dataloader = dict(dataset=dict(pipeline=_base_.pipeline))
