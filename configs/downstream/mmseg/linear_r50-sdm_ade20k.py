# Linear readout, encoder and decoder frozen; ADE20K.
_base_ = [
    '_base_/models/linear_r50-sdm.py',
    '_base_/datasets/ade20k_512x512.py',
    '_base_/schedules/sgd_poly_160k.py',
    '_base_/default_runtime.py',
]
model = dict(
    data_preprocessor=dict(size=(512, 512)),
    decode_head=dict(num_classes=150),
)
