# The dense objective alone on a ViT whose tokens are normalised (layer norm) before the projector.
_base_ = ['vit-dense-only.py']

ablation = dict(backbone=dict(final_norm=True))
