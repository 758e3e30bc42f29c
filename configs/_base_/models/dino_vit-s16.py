# DINO with a ViT-S/16: the 300-epoch recipe (teacher at 0.07 after a tenth of the schedule, trained magnitudes).
_base_ = ['vit-s16.py']

model = dict(
    type='DINO',
    momentum=0.996,
    temperature=0.1,
    teacher_temperature=(0.04, 0.07),
    warmup=0.1,  # 30 of 300 epochs
    data_preprocessor=dict(
        type='mmpretrain.SelfSupDataPreprocessor',
        mean=[123.675, 116.28, 103.53],
        std=[58.395, 57.12, 57.375],
        to_rgb=True,
    ),
    backbone=_base_.vit_s16,
    head=dict(
        type='DINOHead',
        in_channels=384,
        out_channels=65536,
        hid_channels=2048,
        bottleneck_channels=256,
        norm_last_layer=False,
    ),
)
