# DINO with a small ViT and a head of the small ResNet's widths.
_base_ = ['dino_vit-s16.py', 'vit-xs8.py']

model = dict(
    momentum=0.98,  # ours, for a run of some hundred iterations: poodle_r18_quarter.py's
    backbone=dict(_delete_=True, **_base_.vit_xs8),
    head=dict(in_channels=96, out_channels=1024, hid_channels=256, bottleneck_channels=64),
)
