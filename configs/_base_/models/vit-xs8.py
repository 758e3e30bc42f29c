# A ViT for CPUs (0.7 M parameters, as many as the ResNet-18 of a quarter of the width): patches of 8 pixels, so
# that an image of 128x128 has as many of them as one of 256x256 has in a ViT-S/16.
vit_xs8 = dict(
    type='VisionTransformer',
    arch=dict(embed_dims=96, num_layers=6, num_heads=3, feedforward_channels=384),
    img_size=128,
    patch_size=8,
    out_type='cls_token',
)
