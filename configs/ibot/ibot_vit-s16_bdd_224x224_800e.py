# iBOT on single frames of BDD100K, ViT-S/16, 800 epochs: ten local views, two masks.
_base_ = [
    '../_base_/models/ibot_vit-s16.py',
    '../_base_/datasets/ibot_views_224.py',
    '../_base_/schedules/dino_800e.py',
    '../_base_/multi_crop_bdd.py',
]

train_dataloader = dict(dataset=dict(pipeline=_base_.pipeline))
