# DINO with a small ViT and a head of the small ResNet's widths.
_base_ = ['dino_vit-s16.py', 'vit-xs8.py']

model = dict(
    momentum=0.98,  # ours, for a run of some hundred iterations: poodle_r18_quarter.py's
    # ours: in a short run at small batches outputs become uniform at higher temperatures
    teacher_temperature=(0.04, 0.04),
    backbone=dict(_delete_=True, **_base_.vit_xs8),
    head=dict(
        in_channels=96,
        out_channels=1024,
        hid_channels=256,
        bottleneck_channels=64,
        norm_last_layer=True,
    ),
)
