# PixPro with a feature pyramid in pretraining, whose P3 is the dense map (stride 8); else
# pixpro_r50_bdd_224x224_100e.py. Readouts take the encoder alone.
_base_ = ['pixpro_r50_bdd_224x224_100e.py']

model = dict(
    backbone=dict(out_indices=(1, 2, 3)),
    neck=dict(type='FeaturePyramid', in_channels=(512, 1024, 2048), out_channels=256),
    dense_head=dict(in_channels=256),
)
