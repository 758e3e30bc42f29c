# densecl_views_224.py at 128x128; the blur is scaled with the view (ours).
_base_ = ['densecl_views_224.py']

pipeline = _base_.pipeline
pipeline[0].pipelines = [
    [dict(crop, scale=128), colours, grey, dict(blur, magnitude_range=(0.06, 1.14)), flip]
    for crop, colours, grey, blur, flip in pipeline[0].pipelines
]
