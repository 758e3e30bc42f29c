# DenseCL with the encoder of poodle_r18_quarter.py and heads of its widths.
_base_ = ['densecl_r50.py']

model = dict(
    queue_len=1024,  # ours: 64 batches of 16, filled early in a run of some hundred iterations
    momentum=0.01,  # ours: in such a run keys at 0.001 would stay near the random weights
    feat_dim=64,
    backbone=dict(depth=18, base_channels=16, stem_channels=16),
    neck=dict(in_channels=128, hid_channels=256, out_channels=64),
)
