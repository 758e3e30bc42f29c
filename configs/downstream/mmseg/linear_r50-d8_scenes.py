# Linear readout of an encoder without decoder, dilated to stride 8; the synthetic scenes.
_base_ = [
    '_base_/models/linear_r50-d8.py',
    '_base_/datasets/scenes_96x192.py',
    '_base_/schedules/adamw_cosine_800.py',
    '_base_/default_runtime.py',
]
model = dict(
    data_preprocessor=dict(size=(96, 192)),
    cache_gb=6.0,
    decode_head=dict(label_stride=2),
)
custom_hooks = [
    dict(type='poodle_mm.StrictLoadHook'),
    dict(type='RecalibrateBatchNormHook'),
    dict(type='poodle_mm.FrozenPartsHook', parts=['backbone']),
    dict(type='NumClassesHook'),
]
