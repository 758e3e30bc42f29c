# PixPro on single frames of the videos that PooDLe sees in ablations/camvid, small.
_base_ = [
    '../_base_/image_r18.py',
    '../_base_/models/pixpro_r18_quarter.py',
    '../_base_/datasets/pixpro_views_128.py',
    '../_base_/datasets/camvid_driving.py',
]

train_dataloader = dict(dataset=dict(_base_.camvid_driving, pipeline=_base_.pipeline))
custom_hooks = [dict(type='TargetUpdateHook')]
# a lower rate than the others': at theirs the spread of the projections falls to 0.2 within 100 iterations
optim_wrapper = dict(optimizer=dict(lr=1e-3))
