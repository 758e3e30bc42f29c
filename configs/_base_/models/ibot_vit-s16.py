# iBOT with a ViT-S/16: one head of 8192 prototypes for class and patch tokens.
_base_ = ['dino_vit-s16.py']

model = dict(
    type='IBOT',
    warmup=0.0375,  # 30 of 800 epochs
    backbone=dict(use_mask_token=True),
    head=dict(out_channels=8192),
)
