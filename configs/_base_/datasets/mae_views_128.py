# mae_views_224.py at 128x128.
_base_ = ['mae_views_224.py']

pipeline = [
    dict(
        type='ImageViews', pipelines=[[dict(_base_.view_crop, scale=128), *_base_.view_rest]]
    )
]
