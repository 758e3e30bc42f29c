# Laterals without decoder blocks (Table 4, row 4) on an encoder of total stride 16: dilated to stride 4.
_base_ = ['../ablations/no-blocks.py']

ablation = dict(backbone=dict(strides=(1, 1, 1, 1)))
