# DINO with the encoder of poodle_r18_quarter.py and a head of its widths.
_base_ = ['dino_r50.py']

model = dict(
    momentum=0.98,  # ours, for a run of some hundred iterations: poodle_r18_quarter.py's
    backbone=dict(depth=18, base_channels=16, stem_channels=16),
    head=dict(in_channels=128, out_channels=1024, hid_channels=256, bottleneck_channels=64),
)
