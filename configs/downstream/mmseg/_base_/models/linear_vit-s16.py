# Linear readout of a ViT-S/16 baseline, as iBOT's: frozen encoder, one 1x1 convolution on the tokens of
# four layers, none of which is normalised.
model = dict(
    type='FrozenEncoderDecoder',
    data_preprocessor=dict(
        type='SegDataPreProcessor',
        mean=[123.675, 116.28, 103.53],
        std=[58.395, 57.12, 57.375],
        bgr_to_rgb=True,
        pad_val=0,
        seg_pad_val=255,
        size=(512, 512),
    ),
    backbone=dict(
        type='mmpretrain.VisionTransformer',
        arch='deit-small',
        img_size=224,
        patch_size=16,
        out_type='featmap',
        final_norm=False,
        out_indices=(3, 5, 7, 11),
        frozen_stages=12,
        init_cfg=dict(type='Pretrained', checkpoint='checkpoints/vit-s16.pth'),
    ),
    decode_head=dict(
        type='LinearHead',
        in_channels=[384, 384, 384, 384],
        in_index=[0, 1, 2, 3],
        input_transform='resize_concat',
        num_classes=19,
        loss_decode=dict(type='CrossEntropyLoss', avg_non_ignore=True),
    ),
    test_cfg=dict(mode='slide', crop_size=(512, 512), stride=(341, 341)),
)
custom_hooks = [
    dict(type='poodle_mm.StrictLoadHook'),
    dict(type='poodle_mm.FrozenPartsHook', parts=['backbone']),
    dict(type='NumClassesHook'),
]
