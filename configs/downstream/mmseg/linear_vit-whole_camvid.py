# Linear readout of a ViT on whole images, the small ResNets' equal: same images, length and optimizer; CamVid.
_base_ = [
    '_base_/models/linear_vit-s16.py',
    '_base_/datasets/camvid_360x480.py',
    '_base_/schedules/adamw_cosine_800.py',
    '_base_/default_runtime.py',
]
model = dict(
    data_preprocessor=dict(size=(360, 480)),
    cache_gb=2.0,
    decode_head=dict(num_classes=11, label_stride=2),
    test_cfg=dict(_delete_=True, mode='whole'),
)
