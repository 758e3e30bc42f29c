# DeepLab v3 on the frozen encoder, dilated to stride 8; CamVid.
_base_ = [
    '_base_/models/deeplabv3_r50-d8.py',
    '_base_/datasets/camvid_360x480.py',
    '_base_/schedules/adamw_cosine_800.py',
    '_base_/default_runtime.py',
]
model = dict(
    data_preprocessor=dict(size=(360, 480)),
    cache_gb=2.0,
    # for maps of 12x24 (--size 96 192) in place of 64x128
    decode_head=dict(num_classes=11, dilations=(1, 2, 4, 6)),
)
optim_wrapper = dict(optimizer=dict(lr=2e-3))
custom_hooks = [
    dict(type='poodle_mm.StrictLoadHook'),
    dict(type='RecalibrateBatchNormHook'),
    dict(type='poodle_mm.FrozenPartsHook', parts=['backbone']),
    dict(type='NumClassesHook'),
]
