# BYOL with the encoder of poodle_r18_quarter.py and heads of its widths.
_base_ = ['byol_r50.py']

model = dict(
    base_momentum=0.02,  # ours, for a run of some hundred iterations: poodle_r18_quarter.py's 0.98
    backbone=dict(depth=18, base_channels=16, stem_channels=16),
    neck=dict(in_channels=128, hid_channels=256, out_channels=64),
    head=dict(predictor=dict(in_channels=64, hid_channels=256, out_channels=64)),
)
