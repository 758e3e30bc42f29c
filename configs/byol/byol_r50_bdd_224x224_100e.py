# BYOL on single frames of BDD100K, ResNet-50: its published recipe for 100 epochs, here of a frame of each
# video. 16 GPUs x 256 frames.
#     bash tools/dist_train.sh configs/byol/byol_r50_bdd_224x224_100e.py 16
_base_ = [
    '../_base_/image_bdd.py',
    '../_base_/models/byol_r50.py',
    '../_base_/datasets/byol_views_224.py',
    '../_base_/schedules/lars_cosine_100e.py',
]

processes = 16
train_dataloader = dict(batch_size=256, dataset=dict(pipeline=_base_.pipeline))
optim_wrapper = dict(optimizer=dict(lr=0.45 * 4096 / 256, weight_decay=1e-6))
custom_hooks = [dict(type='ProjectionSpreadHook'), *_base_.custom_hooks]
