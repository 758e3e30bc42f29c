# UperNet on the frozen encoder; BDD100K.
_base_ = [
    '_base_/models/upernet_r50.py',
    '_base_/datasets/bdd100k_512x1024.py',
    '_base_/schedules/sgd_poly_60k.py',
    '_base_/default_runtime.py',
]
