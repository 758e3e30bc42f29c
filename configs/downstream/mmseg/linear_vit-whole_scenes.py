# Linear readout of a ViT on whole images, the small ResNets' equal: same images, length and optimizer; scenes.
_base_ = [
    '_base_/models/linear_vit-s16.py',
    '_base_/datasets/scenes_96x192.py',
    '_base_/schedules/adamw_cosine_800.py',
    '_base_/default_runtime.py',
]
model = dict(
    data_preprocessor=dict(size=(96, 192)),
    cache_gb=2.0,
    decode_head=dict(label_stride=2),
    test_cfg=dict(_delete_=True, mode='whole'),
)
