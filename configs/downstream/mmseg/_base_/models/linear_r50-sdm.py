# Linear readout (PooDLe §4.2): frozen encoder and decoder, one 1x1 convolution at stride 8.
model = dict(
    type='FrozenEncoderDecoder',
    data_preprocessor=dict(
        type='SegDataPreProcessor',
        mean=[123.675, 116.28, 103.53],
        std=[58.395, 57.12, 57.375],
        bgr_to_rgb=True,
        pad_val=0,
        seg_pad_val=255,
        size=(512, 1024),
    ),
    backbone=dict(
        type='mmpretrain.ResNet',
        depth=50,
        out_indices=(1, 2, 3),
        frozen_stages=4,
        norm_eval=True,
        init_cfg=dict(
            type='Pretrained',
            checkpoint='work_dirs/poodle_r50_bdd/epoch_100.pth',
            prefix='backbone.',
        ),
    ),
    neck=dict(
        type='poodle_mm.SpatialDecoderModule',
        in_channels=[512, 1024, 2048],
        frozen=True,
        init_cfg=dict(
            type='Pretrained',
            checkpoint='work_dirs/poodle_r50_bdd/epoch_100.pth',
            prefix='neck.',
        ),
    ),
    decode_head=dict(
        type='LinearHead',
        in_channels=2048,
        num_classes=19,
        loss_decode=dict(type='CrossEntropyLoss', avg_non_ignore=True),
    ),
    test_cfg=dict(mode='whole'),
)
custom_hooks = [
    dict(type='poodle_mm.StrictLoadHook'),
    dict(type='poodle_mm.FrozenPartsHook', parts=['backbone', 'neck']),
    dict(type='NumClassesHook'),
]
