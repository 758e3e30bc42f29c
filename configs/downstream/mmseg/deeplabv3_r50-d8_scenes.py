# DeepLab v3 on the frozen encoder, dilated to stride 8; the synthetic scenes.
_base_ = [
    '_base_/models/deeplabv3_r50-d8.py',
    '_base_/datasets/scenes_96x192.py',
    '_base_/schedules/adamw_cosine_800.py',
    '_base_/default_runtime.py',
]
model = dict(
    data_preprocessor=dict(size=(96, 192)),
    cache_gb=2.0,
    # for maps of 12x24 in place of 64x128
    decode_head=dict(dilations=(1, 2, 4, 6)),
)
optim_wrapper = dict(optimizer=dict(lr=2e-3))
custom_hooks = [
    dict(type='poodle_mm.StrictLoadHook'),
    dict(type='RecalibrateBatchNormHook'),
    dict(type='poodle_mm.FrozenPartsHook', parts=['backbone']),
    dict(type='NumClassesHook'),
]
