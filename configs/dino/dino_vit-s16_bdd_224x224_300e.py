# DINO on single frames of BDD100K, ViT-S/16, 300 epochs.
_base_ = [
    '../_base_/models/dino_vit-s16.py',
    '../_base_/datasets/multi_crop_224.py',
    '../_base_/schedules/dino_300e.py',
    '../_base_/multi_crop_bdd.py',
]

train_dataloader = dict(dataset=dict(pipeline=_base_.pipeline))
