# The dense objective alone on a ViT that has four register tokens for what is not a patch's.
_base_ = ['vit-dense-only.py']

ablation = dict(backbone=dict(num_registers=4))
