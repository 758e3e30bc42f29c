# iBOT on single frames of the videos that PooDLe sees in ablations/camvid, small.
_base_ = [
    '../_base_/multi_crop_small.py',
    '../_base_/models/ibot_vit-xs8.py',
    '../_base_/datasets/ibot_views_128.py',
    '../_base_/datasets/camvid_driving.py',
]

train_dataloader = dict(dataset=dict(_base_.camvid_driving, pipeline=_base_.pipeline))
