# DeepLab v3 on the frozen encoder, dilated to stride 8; Cityscapes.
_base_ = [
    '_base_/models/deeplabv3_r50-d8.py',
    '_base_/datasets/cityscapes_512x1024.py',
    '_base_/schedules/sgd_poly_40k.py',
    '_base_/default_runtime.py',
]
