# DenseCL's two views of a frame, MoCo v2's (mmpretrain's imagenet_bs32_mocov2.py), 128x128;
# the blur is scaled with the view (ours).
# A recipe gives `pipeline` to the data set of its videos; the collate_fn is 'default_collate'.
view = [
    dict(type='RandomResizedCrop', scale=128, crop_ratio_range=(0.2, 1.0), backend='pillow'),
    dict(
        type='RandomApply',
        transforms=[
            dict(type='ColorJitter', brightness=0.4, contrast=0.4, saturation=0.4, hue=0.1)
        ],
        prob=0.8,
    ),
    dict(
        type='RandomGrayscale',
        prob=0.2,
        keep_channels=True,
        channel_weights=(0.114, 0.587, 0.2989),
    ),
    dict(type='GaussianBlur', magnitude_range=(0.06, 1.14), magnitude_std='inf', prob=0.5),
    dict(type='RandomFlip', prob=0.5),
]
pipeline = [
    dict(type='ImageViews', pipelines=[view, view]),
    dict(type='mmpretrain.PackInputs'),
]
