# FlowE whose convolutions continue the maps by their mirror images, not by zeros, which tell how far the border is.
_base_ = ['flowe.py']

ablation = dict(backbone=dict(conv_cfg=dict(type='Conv2d', padding_mode='reflect')))
