# Faster R-CNN with FPN on a frozen encoder (PooDLe, Table 1); the decoder of the pretraining is dropped.
_base_ = 'mmdet::_base_/models/faster-rcnn_r50_fpn.py'
model = dict(
    backbone=dict(
        _delete_=True,
        type='mmpretrain.ResNet',
        depth=50,
        out_indices=(0, 1, 2, 3),
        frozen_stages=4,
        norm_eval=True,
        init_cfg=dict(
            type='Pretrained',
            checkpoint='work_dirs/poodle_r50_bdd/epoch_100.pth',
            prefix='backbone.',
        ),
    ),
    roi_head=dict(bbox_head=dict(num_classes=10)),
)
custom_hooks = [
    dict(type='poodle_mm.StrictLoadHook'),
    dict(type='poodle_mm.FrozenPartsHook', parts=['backbone']),
    dict(type='NumClassCheckHook'),
]
