# Linear readout of a ViT-S/16; the synthetic scenes.
_base_ = [
    '_base_/models/linear_vit-s16.py',
    '_base_/datasets/scenes_512x512.py',
    '_base_/schedules/adamw_poly_40k.py',
    '_base_/default_runtime.py',
]
