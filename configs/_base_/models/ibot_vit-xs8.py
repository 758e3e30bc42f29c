# iBOT with a small ViT and a head of the small ResNet's widths.
_base_ = ['dino_vit-xs8.py']

model = dict(type='IBOT', backbone=dict(use_mask_token=True))
