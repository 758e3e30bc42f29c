# PixPro on views as large as PooDLe's crops, and cut by their law: areas of 0.16 to 0.45, undistorted (ours:
# the paper says only that it tried crops of a high resolution); else pixpro_r50_bdd_224x224_100e.py.
# 64 GPUs x 16 frames: the batch and the rate of the small views. With fewer GPUs: --auto-scale-lr.
_base_ = ['pixpro_r50_bdd_224x224_100e.py']

processes = 64
pipeline = _base_.pipeline
pipeline[0].pipelines = [
    [dict(crop, scale=(512, 1024), crop_ratio_range=(0.16, 0.45), aspect_ratio_range=(2, 2)), *rest]
    for crop, *rest in pipeline[0].pipelines
]
train_dataloader = dict(batch_size=16, dataset=dict(pipeline=pipeline))
