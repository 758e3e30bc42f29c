# multi_crop_224.py with global views of 128x128 and four local ones of 48x48; the blur is scaled (ours).
_base_ = ['multi_crop_224.py']

pipeline = _base_.pipeline
pipeline[0].pipelines = [
    [dict(crop, scale=size), flip, colours, grey, dict(blur, magnitude_range=(0.06, 1.14)), *rest]
    for size, (crop, flip, colours, grey, blur, *rest) in zip(
        (128, 128, 48, 48, 48, 48), pipeline[0].pipelines
    )
]
