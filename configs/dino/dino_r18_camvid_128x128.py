# DINO on single frames of the videos that PooDLe sees in ablations/camvid, small.
_base_ = [
    '../_base_/multi_crop_small.py',
    '../_base_/models/dino_r18_quarter.py',
    '../_base_/datasets/multi_crop_128.py',
    '../_base_/datasets/camvid_driving.py',
]

pipeline = _base_.pipeline
for view in pipeline[0].pipelines[2:]:
    view[0].update(scale=64)  # two cells of the last map, both ways
train_dataloader = dict(dataset=dict(_base_.camvid_driving, pipeline=pipeline))
optim_wrapper = dict(optimizer=dict(lr=3e-3))
