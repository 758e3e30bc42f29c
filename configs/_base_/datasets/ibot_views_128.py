# multi_crop_128.py with iBOT's scales, and a mask of 16x16 patches (of 8 pixels) for each global view.
_base_ = ['multi_crop_128.py']

masks = dict(type='BlockMasks', size=(16, 16), ratios=[(0.0, 0.0), (0.3, 0.2)])
pipeline = [
    dict(
        type='ImageViews',
        pipelines=[
            [dict(crop, crop_ratio_range=(0.25, 1.0) if i < 2 else (0.05, 0.25)), *rest]
            for i, (crop, *rest) in enumerate(_base_.pipeline[0].pipelines)
        ],
    ),
    masks,
    dict(type='mmpretrain.PackInputs', algorithm_keys=['mask']),
]
