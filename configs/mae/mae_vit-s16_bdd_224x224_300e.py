# MAE on single frames of BDD100K, ViT-S/16: mmpretrain's recipe, 300 epochs of a frame of each video.
#     bash tools/dist_train.sh configs/mae/mae_vit-s16_bdd_224x224_300e.py 8
#     python tools/evaluate.py work_dirs/mae_vit-s16_bdd_224x224_300e/epoch_300.pth --suite bdd100k
# 8 GPUs x 512 frames. No paper prints this run, and this project has not run it.
_base_ = [
    '../_base_/image_bdd.py',
    '../_base_/models/mae_vit-s16.py',
    '../_base_/datasets/mae_views_224.py',
    '../_base_/schedules/mae_cosine_300e.py',
]

processes = 8
train_dataloader = dict(batch_size=512, dataset=dict(pipeline=_base_.pipeline))
