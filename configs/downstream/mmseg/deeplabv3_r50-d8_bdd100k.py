# DeepLab v3 on the frozen encoder, dilated to stride 8; BDD100K.
_base_ = [
    '_base_/models/deeplabv3_r50-d8.py',
    '_base_/datasets/bdd100k_512x1024.py',
    '_base_/schedules/sgd_poly_60k.py',
    '_base_/default_runtime.py',
]
