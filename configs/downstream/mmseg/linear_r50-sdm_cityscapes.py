# Linear readout, encoder and decoder frozen; Cityscapes.
_base_ = [
    '_base_/models/linear_r50-sdm.py',
    '_base_/datasets/cityscapes_512x1024.py',
    '_base_/schedules/sgd_poly_40k.py',
    '_base_/default_runtime.py',
]
