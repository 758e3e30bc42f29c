# MAE on single frames of Walking Tours, ViT-S/16: mmpretrain's recipe, 300 epochs of 15 frames of each
# 10-second clip (length and frames are ours: the paper does not say). 8 GPUs x 512 frames.
#     bash tools/dist_train.sh configs/mae/mae_vit-s16_wt-all_224x224_300e.py 8
#     python tools/evaluate.py work_dirs/mae_vit-s16_wt-all_224x224_300e/epoch_300.pth --suite ade20k
# The later paper: 10.6 mIoU with a linear readout of ADE20K. No run of this project.
_base_ = [
    '../_base_/image_wt.py',
    '../_base_/models/mae_vit-s16.py',
    '../_base_/datasets/mae_views_224.py',
    '../_base_/schedules/mae_cosine_300e.py',
]

processes = 8
train_dataloader = dict(batch_size=512, dataset=dict(pipeline=_base_.pipeline))
