# BYOL's two views of a frame (mmpretrain's imagenet_bs32_byol.py), 224x224.
# A recipe gives `pipeline` to the data set of its videos; the collate_fn is 'default_collate'.
view_crop = dict(type='RandomResizedCrop', scale=224, interpolation='bicubic', backend='pillow')
view_flip = dict(type='RandomFlip', prob=0.5)
view_colours = dict(
    type='RandomApply',
    transforms=[dict(type='ColorJitter', brightness=0.4, contrast=0.4, saturation=0.2, hue=0.1)],
    prob=0.8,
)
view_grey = dict(
    type='RandomGrayscale', prob=0.2, keep_channels=True, channel_weights=(0.114, 0.587, 0.2989)
)
view_blur = dict(type='GaussianBlur', magnitude_range=(0.1, 2.0), magnitude_std='inf')
view_first = [view_crop, view_flip, view_colours, view_grey, dict(view_blur, prob=1.0)]
view_second = [
    view_crop,
    view_flip,
    view_colours,
    view_grey,
    dict(view_blur, prob=0.1),
    dict(type='Solarize', thr=128, prob=0.2),
]
pipeline = [
    dict(type='ImageViews', pipelines=[view_first, view_second]),
    dict(type='mmpretrain.PackInputs'),
]
