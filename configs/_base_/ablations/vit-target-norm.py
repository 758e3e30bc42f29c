# The dense objective alone on a ViT, with the target's projections standardised over the batch.
_base_ = ['vit-dense-only.py']

ablation = dict(dense_head=dict(type='StandardisedDenseHead'))
