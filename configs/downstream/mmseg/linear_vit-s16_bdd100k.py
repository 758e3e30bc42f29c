# Linear readout of a ViT-S/16; BDD100K.
_base_ = [
    '_base_/models/linear_vit-s16.py',
    '_base_/datasets/bdd100k_512x512.py',
    '_base_/schedules/adamw_poly_60k.py',
    '_base_/default_runtime.py',
]
