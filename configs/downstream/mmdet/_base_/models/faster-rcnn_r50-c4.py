# Faster R-CNN, C4: the region head starts with the encoder's last stage; all of the encoder is frozen
# (PooDLe, Table 1; that the last stage is frozen too is ours: the paper's scratch row has 0.0).
_base_ = 'mmdet::_base_/models/faster-rcnn_r50-caffe-c4.py'
model = dict(
    data_preprocessor=dict(
        mean=[123.675, 116.28, 103.53],
        std=[58.395, 57.12, 57.375],
        bgr_to_rgb=True,
    ),
    backbone=dict(
        _delete_=True,
        type='mmpretrain.ResNet',
        depth=50,
        num_stages=3,
        strides=(1, 2, 2),
        dilations=(1, 1, 1),
        out_indices=(2,),
        frozen_stages=3,
        norm_eval=True,
        init_cfg=dict(
            type='Pretrained',
            checkpoint='work_dirs/poodle_r50_bdd/epoch_100.pth',
            prefix='backbone.',
        ),
    ),
    roi_head=dict(
        shared_head=dict(
            _delete_=True,
            type='ResNetLastStage',
            depth=50,
            frozen=True,
            init_cfg=dict(
                type='Pretrained',
                checkpoint='work_dirs/poodle_r50_bdd/epoch_100.pth',
                prefix='backbone.',
            ),
        ),
        bbox_head=dict(num_classes=10),
    ),
)
custom_hooks = [
    dict(type='poodle_mm.StrictLoadHook'),
    dict(type='poodle_mm.FrozenPartsHook', parts=['backbone', 'roi_head.shared_head']),
    dict(type='NumClassCheckHook'),
]
