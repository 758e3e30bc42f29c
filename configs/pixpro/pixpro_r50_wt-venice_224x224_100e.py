# PixPro on single frames of the Venice video of Walking Tours: the recipe of pixpro_r50_bdd_224x224_100e.py,
# 100 epochs of 75 frames of each 10-second clip (as many as PooDLe's recipe has pairs there; ours).
#     bash tools/dist_train.sh configs/pixpro/pixpro_r50_wt-venice_224x224_100e.py 8
#     python tools/evaluate.py work_dirs/pixpro_r50_wt-venice_224x224_100e/epoch_100.pth --suite ade20k
# 8 GPUs x 128 frames. The paper: 4.6 mIoU with a linear readout of ADE20K (Table 2). No run of this project.
_base_ = [
    '../_base_/image_wt.py',
    '../_base_/models/pixpro_r50.py',
    '../_base_/datasets/pixpro_views_224.py',
    '../_base_/schedules/pixpro_lars_100e.py',
]

processes = 8
train_dataloader = dict(
    batch_size=128,
    dataset=dict(
        data_prefix=dict(path='videos/venice'), pairs_per_clip=75, pipeline=_base_.pipeline
    ),
)
custom_hooks = [dict(type='TargetUpdateHook')]
