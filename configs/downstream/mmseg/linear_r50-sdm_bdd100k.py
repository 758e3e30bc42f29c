# Linear readout, encoder and decoder frozen; BDD100K.
_base_ = [
    '_base_/models/linear_r50-sdm.py',
    '_base_/datasets/bdd100k_512x1024.py',
    '_base_/schedules/sgd_poly_60k.py',
    '_base_/default_runtime.py',
]
