# PixPro on single frames of BDD100K, ResNet-50: the released recipe, 100 epochs of a frame of each video.
#     bash tools/dist_train.sh configs/pixpro/pixpro_r50_bdd_224x224_100e.py 8
#     python tools/evaluate.py work_dirs/pixpro_r50_bdd_224x224_100e/epoch_100.pth --suite bdd100k
# 8 GPUs x 128 frames. The paper: 21.8 mIoU with a linear readout (Table 1), of the best of this config and
# the two beside it; which, it does not say. No run of this project.
_base_ = [
    '../_base_/image_bdd.py',
    '../_base_/models/pixpro_r50.py',
    '../_base_/datasets/pixpro_views_224.py',
    '../_base_/schedules/pixpro_lars_100e.py',
]

processes = 8
train_dataloader = dict(batch_size=128, dataset=dict(pipeline=_base_.pipeline))
custom_hooks = [dict(type='TargetUpdateHook')]
