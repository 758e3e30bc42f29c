# DoRA with the small ViT and head of dino_vit-xs8.py, which has three heads: all are tracked.
_base_ = ['dora_vit-s16.py', 'vit-xs8.py']

model = dict(
    momentum=0.98,  # ours, for a run of some hundred iterations: poodle_r18_quarter.py's
    teacher_temperature=(0.04, 0.04),  # as of dino_vit-xs8.py
    backbone=dict(_delete_=True, **_base_.vit_xs8),
    head=dict(
        in_channels=96,
        out_channels=1024,
        hid_channels=256,
        bottleneck_channels=64,
        norm_last_layer=True,
    ),
)
