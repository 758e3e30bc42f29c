# DINO on single frames of the Venice video of Walking Tours, ResNet-50, 100 epochs: the recipe of
# dino_r50_bdd_224x224_100e.py.
_base_ = [
    '../_base_/models/dino_r50.py',
    '../_base_/datasets/multi_crop_224.py',
    '../_base_/schedules/dino_sgd_100e.py',
    '../_base_/multi_crop_wt.py',
]

pipeline = _base_.pipeline
for i, view in enumerate(pipeline[0].pipelines):
    view[0].update(crop_ratio_range=(0.14, 1.0) if i < 2 else (0.05, 0.14))
train_dataloader = dict(dataset=dict(pipeline=pipeline))
