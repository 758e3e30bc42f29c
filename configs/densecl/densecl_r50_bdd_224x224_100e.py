# DenseCL on single frames of BDD100K, ResNet-50: its published optimizer for 100 epochs of a frame of each
# video. 8 GPUs x 32 frames.
#     bash tools/dist_train.sh configs/densecl/densecl_r50_bdd_224x224_100e.py 8
#     python tools/evaluate.py work_dirs/densecl_r50_bdd_224x224_100e/epoch_100.pth --suite bdd100k
# The later paper: 24.2 mIoU with a linear readout. No run of this project.
_base_ = [
    '../_base_/image_bdd.py',
    '../_base_/models/densecl_r50.py',
    '../_base_/datasets/densecl_views_224.py',
    '../_base_/schedules/sgd_cosine_100e.py',
]

processes = 8
train_dataloader = dict(batch_size=32, dataset=dict(pipeline=_base_.pipeline))
custom_hooks = [dict(type='ProjectionSpreadHook'), *_base_.custom_hooks]
