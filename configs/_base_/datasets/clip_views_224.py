# DoRA's views of a clip: one global one for all frames, six local ones of 112x112 of each frame. Scales, colours
# and blur are DINO's (ours: the paper names none). The collate_fn is 'default_collate'.
_base_ = ['multi_crop_224.py']

pipeline = [
    dict(
        type='ClipViews',
        clip=[_base_.view_global, *_base_.view_rest, dict(_base_.view_blur, prob=0.5)],
        local=[dict(_base_.view_local, scale=112), *_base_.local_crop[1:]],
        num_locals=6,
    ),
]
