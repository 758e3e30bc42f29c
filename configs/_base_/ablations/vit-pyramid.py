# The dense objective alone on a decoder over a ViT: a simple feature pyramid and PooDLe's decoder blocks.
_base_ = ['vit-dense-only.py']

ablation = dict(
    neck=dict(
        _delete_=True,
        type='SimpleFeaturePyramid',
        in_channels=96,
        patch_size=8,
        out_channels=96,
        strides=(8, 16, 32),
        decoder=dict(upsample_first=False),
    ),
)
