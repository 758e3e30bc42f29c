# Faster R-CNN, C4, on the frozen encoder; the synthetic scenes. One map of stride 16 is too coarse for
# images of 216x384, so they are doubled.
_base_ = [
    '_base_/models/faster-rcnn_r50-c4.py',
    '_base_/datasets/scenes_432x768.py',
    '_base_/schedules/adamw_400.py',
]
model = dict(
    rpn_head=dict(
        feat_channels=256,
        anchor_generator=dict(scales=[1, 2, 4, 8, 16]),  # 16 to 256 pixels
    ),
    train_cfg=dict(
        rpn_proposal=dict(nms_pre=500, max_per_img=256),
        rcnn=dict(sampler=dict(num=64)),
    ),
    test_cfg=dict(rpn=dict(nms_pre=500, max_per_img=256)),
)
# All that is trained after the frozen last stage are two linear layers.
optim_wrapper = dict(paramwise_cfg=dict(custom_keys={'roi_head.bbox_head': dict(lr_mult=10)}))
