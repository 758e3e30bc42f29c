# PixPro with the encoder of poodle_r18_quarter.py and heads of its widths.
_base_ = ['pixpro_r50.py']

model = dict(
    momentum=0.98,  # ours, for a run of some hundred iterations: poodle_r18_quarter.py's
    backbone=dict(depth=18, base_channels=16, stem_channels=16),
    dense_head=dict(in_channels=128, hidden_channels=256, out_channels=64),
)
