# MAE's view of a frame (mmpretrain's imagenet_bs512_mae.py), 224x224, and the seed of its mask.
# A recipe gives `pipeline` to the data set of its videos; the collate_fn is 'default_collate'.
view_crop = dict(
    type='RandomResizedCrop',
    scale=224,
    crop_ratio_range=(0.2, 1.0),
    backend='pillow',
    interpolation='bicubic',
)
view_rest = [
    dict(type='RandomFlip', prob=0.5),
    dict(type='PackInputs', meta_keys=('img_path', 'ori_shape', 'seed')),
]
pipeline = [dict(type='ImageViews', pipelines=[[view_crop, *view_rest]])]
