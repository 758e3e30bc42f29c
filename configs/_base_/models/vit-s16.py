# ViT-S/16 of DINO, iBOT and DoRA (22 M parameters): a recipe's model takes `_base_.vit_s16` as its backbone.
vit_s16 = dict(
    type='VisionTransformer',
    arch='deit-small',
    img_size=224,
    patch_size=16,
    drop_path_rate=0.1,
    out_type='cls_token',
)
