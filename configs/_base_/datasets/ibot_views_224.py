# iBOT's views of a frame: two global and ten local ones, and a mask of 14x14 patches for each global one.
_base_ = ['multi_crop_224.py']

masks = dict(type='BlockMasks', size=(14, 14), ratios=[(0.0, 0.0), (0.3, 0.2)])
views = _base_.pipeline[0].pipelines
pipeline = [
    dict(
        type='ImageViews',
        pipelines=[
            *[[dict(crop, crop_ratio_range=(0.25, 1.0)), *rest] for crop, *rest in views[:2]],
            *[[dict(views[2][0], crop_ratio_range=(0.05, 0.25)), *views[2][1:]]] * 10,
        ],
    ),
    masks,
    dict(type='mmpretrain.PackInputs', algorithm_keys=['mask']),
]
