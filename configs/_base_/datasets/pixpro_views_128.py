# pixpro_views_224.py at 128x128; the blur is scaled with the view (ours).
_base_ = ['pixpro_views_224.py']

pipeline = _base_.pipeline
pipeline[0].pipelines = [
    [dict(crop, scale=128), flip, colours, grey, dict(blur, magnitude_range=(0.06, 1.14)), *rest]
    for crop, flip, colours, grey, blur, *rest in pipeline[0].pipelines
]
