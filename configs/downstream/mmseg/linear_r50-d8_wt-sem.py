# Linear readout of an encoder without decoder, dilated to stride 8; WT-Sem.
_base_ = [
    '_base_/models/linear_r50-d8.py',
    '_base_/datasets/wt-sem_512x1024.py',
    '_base_/schedules/sgd_poly_60k.py',
    '_base_/default_runtime.py',
]
model = dict(decode_head=dict(num_classes=150))
