# Linear readout, encoder and decoder frozen; CamVid.
_base_ = [
    '_base_/models/linear_r50-sdm.py',
    '_base_/datasets/camvid_360x480.py',
    '_base_/schedules/adamw_cosine_800.py',
    '_base_/default_runtime.py',
]
model = dict(
    data_preprocessor=dict(size=(360, 480)),
    cache_gb=6.0,
    decode_head=dict(num_classes=11, label_stride=2),
)
custom_hooks = [
    dict(type='poodle_mm.StrictLoadHook'),
    dict(type='RecalibrateBatchNormHook'),
    dict(type='poodle_mm.FrozenPartsHook', parts=['backbone', 'neck']),
    dict(type='NumClassesHook'),
]
