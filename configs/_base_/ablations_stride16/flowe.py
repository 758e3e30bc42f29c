# FlowE (Table 4, row 1) on an encoder of total stride 16: dilated to stride 4.
_base_ = ['../ablations/flowe.py']

ablation = dict(backbone=dict(strides=(1, 1, 1, 1)))
