# UperNet on the frozen encoder; Cityscapes.
_base_ = [
    '_base_/models/upernet_r50.py',
    '_base_/datasets/cityscapes_512x1024.py',
    '_base_/schedules/sgd_poly_40k.py',
    '_base_/default_runtime.py',
]
