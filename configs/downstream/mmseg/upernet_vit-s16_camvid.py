# UperNet on a frozen ViT-S/16; CamVid.
_base_ = [
    '_base_/models/upernet_vit-s16.py',
    '_base_/datasets/camvid_512x512.py',
    '_base_/schedules/adamw_poly_40k.py',
    '_base_/default_runtime.py',
]
model = dict(
    decode_head=dict(num_classes=11),
    auxiliary_head=dict(num_classes=11),
)
