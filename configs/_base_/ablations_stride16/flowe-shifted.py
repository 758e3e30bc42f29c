# As flowe, with dense views that are mirrored and shifted each on its own.
_base_ = ['flowe.py']

ablation = dict(data_preprocessor=dict(affine=dict(flip_prob=0.5, translate=0.25)))
