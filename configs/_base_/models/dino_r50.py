# DINO with a ResNet-50: the last map, averaged; the teacher stays at 0.04 and the magnitudes at 1.
model = dict(
    type='DINO',
    momentum=0.996,
    temperature=0.1,
    teacher_temperature=(0.04, 0.04),
    data_preprocessor=dict(
        type='mmpretrain.SelfSupDataPreprocessor',
        mean=[123.675, 116.28, 103.53],
        std=[58.395, 57.12, 57.375],
        to_rgb=True,
    ),
    backbone=dict(
        type='mmpretrain.ResNet',
        depth=50,
        out_indices=(3,),
        norm_cfg=dict(type='BN', requires_grad=True),
        zero_init_residual=False,
    ),
    head=dict(
        type='DINOHead',
        in_channels=2048,
        out_channels=65536,
        hid_channels=2048,
        bottleneck_channels=256,
        norm_last_layer=True,
    ),
)
sync_bn = 'torch'  # batch norm over all GPUs when distributed; plain on one
