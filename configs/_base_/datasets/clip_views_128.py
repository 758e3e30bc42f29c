# clip_views_224.py with global views of 128x128 and four local ones of 64x64; the blur is scaled (ours).
_base_ = ['clip_views_224.py']

pipeline = _base_.pipeline
pipeline[0].update(
    clip=[
        dict(pipeline[0].clip[0], scale=128),
        *pipeline[0].clip[1:-1],
        dict(pipeline[0].clip[-1], magnitude_range=(0.06, 1.14)),
    ],
    local=[
        dict(pipeline[0].local[0], scale=64),
        *pipeline[0].local[1:-1],
        dict(pipeline[0].local[-1], magnitude_range=(0.06, 1.14)),
    ],
    num_locals=4,
)
