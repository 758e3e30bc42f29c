# PooDLe, ViT-S/16 with a simple feature pyramid, BDD100K, 100 of 300 epochs: the paper's appendix G reports
# that a ViT does not work well with the dense objective, and prints no figures.
#     bash tools/dist_train.sh configs/poodle_vit-s16_bdd.py 16
#     python tools/evaluate.py work_dirs/poodle_vit-s16_bdd/epoch_100.pth --suite bdd100k
# 16 GPUs x 8 pairs; hours not measured. No run of this project.
_base_ = ['poodle_r50_bdd.py', '_base_/models/vit-s16.py']

vit = _base_.vit_s16
vit.update(_delete_=True, out_type='featmap', drop_path_rate=0.0)
model = dict(
    backbone=vit,
    neck=dict(
        _delete_=True,
        type='SimpleFeaturePyramid',
        in_channels=384,
        patch_size=16,
        out_channels=256,
        strides=(8, 16, 32),
        decoder=dict(),
    ),
    dense_head=dict(in_channels=256),
    pooled_head=dict(in_channels=384),
)
custom_hooks = [*_base_.custom_hooks, dict(type='TokenNormHook')]
