# DINO's views of a frame: two global ones (BYOL's colours and blur) and eight local ones of 96x96.
# A recipe gives `pipeline` to the data set of its videos; the collate_fn is 'default_collate'.
_base_ = ['byol_views_224.py']

view_rest = _base_.view_first[1:-1]  # flip, colours, grey
view_global = dict(_base_.view_crop, crop_ratio_range=(0.4, 1.0))
view_local = dict(_base_.view_crop, scale=96, crop_ratio_range=(0.05, 0.4))
local_crop = [view_local, *view_rest, dict(_base_.view_blur, prob=0.5)]
pipeline = [
    dict(
        type='ImageViews',
        pipelines=[
            [view_global, *_base_.view_first[1:]],
            [view_global, *_base_.view_second[1:]],
            *[local_crop] * 8,
        ],
    ),
    dict(type='mmpretrain.PackInputs'),
]
