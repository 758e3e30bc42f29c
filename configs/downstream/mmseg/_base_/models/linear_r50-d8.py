# Linear readout of an encoder without decoder (scratch, ImageNet, FlowE): its last two stages are
# dilated to stride 8, the first block of each keeping the dilation of the stage before, as FlowE's.
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
        type='poodle_mm.ResNet',
        depth=50,
        out_indices=(3,),
        strides=(1, 2, 1, 1),
        dilations=(1, 1, 2, 4),
        contract_dilation=True,
        frozen_stages=4,
        norm_eval=True,
        init_cfg=dict(
            type='Pretrained',
            checkpoint='work_dirs/poodle_r50_bdd/epoch_100.pth',
            prefix='backbone.',
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
    dict(type='poodle_mm.FrozenPartsHook', parts=['backbone']),
    dict(type='NumClassesHook'),
]
