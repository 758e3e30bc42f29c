# Both objectives without a decoder (Table 4, row 2) on an encoder of total stride 16: dilated to stride 4.
_base_ = ['../ablations/dilated.py']

ablation = dict(backbone=dict(strides=(1, 1, 1, 1)))
