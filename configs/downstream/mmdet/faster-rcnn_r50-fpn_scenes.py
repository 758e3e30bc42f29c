# Faster R-CNN on the frozen encoder; the synthetic scenes, with heads for small images.
_base_ = [
    '_base_/models/faster-rcnn_r50-fpn.py',
    '_base_/datasets/scenes_216x384.py',
    '_base_/schedules/adamw_400.py',
]
model = dict(
    neck=dict(out_channels=64),
    rpn_head=dict(
        in_channels=64,
        feat_channels=64,
        anchor_generator=dict(scales=[2]),  # 8 to 128 pixels
    ),
    roi_head=dict(
        bbox_roi_extractor=dict(out_channels=64),
        bbox_head=dict(in_channels=64, fc_out_channels=256),
    ),
    train_cfg=dict(
        rpn_proposal=dict(nms_pre=500, max_per_img=256),
        rcnn=dict(sampler=dict(num=64)),
    ),
    test_cfg=dict(rpn=dict(nms_pre=500, max_per_img=256)),
)
