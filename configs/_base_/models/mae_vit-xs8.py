# MAE with a ViT of as many parameters as poodle_r18_quarter.py's encoder (0.7 M), patches of 8, and a
# decoder of its scale (ours).
_base_ = ['mae_vit-s16.py']

model = dict(
    backbone=dict(
        arch=dict(
            _delete_=True, embed_dims=96, num_layers=6, num_heads=3, feedforward_channels=384
        ),
        img_size=128,
        patch_size=8,
    ),
    neck=dict(
        num_patches=256,
        patch_size=8,
        embed_dim=96,
        decoder_embed_dim=64,
        decoder_depth=2,
        decoder_num_heads=4,
    ),
    head=dict(patch_size=8),
)
