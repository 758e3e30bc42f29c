# Linear readout, encoder and decoder frozen; the synthetic scenes.
_base_ = [
    '_base_/models/linear_r50-sdm.py',
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
    dict(type='poodle_mm.FrozenPartsHook', parts=['backbone', 'neck']),
    dict(type='NumClassesHook'),
]
