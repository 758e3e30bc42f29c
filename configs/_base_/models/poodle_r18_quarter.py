# A ResNet-18 of a quarter of the width: small enough to learn on two CPU cores within minutes.
model = dict(
    type='PooDLe',
    momentum=0.98,
    channels_last=True,
    data_preprocessor=dict(
        type='FramePairPreprocessor',
        flow=dict(type='DISFlow', preset='fast'),
        subcrops=dict(num=4, size=48, area=(0.05, 0.3)),
    ),
    backbone=dict(
        type='mmpretrain.ResNet',
        depth=18,
        base_channels=16,
        stem_channels=16,
        out_indices=(1, 2, 3),
        zero_init_residual=False,
    ),
    neck=dict(type='SpatialDecoderModule', in_channels=[32, 64, 128]),
    dense_head=dict(type='DenseFlowHead', in_channels=128, hidden_channels=256, out_channels=64),
    pooled_head=dict(type='PooledHead', in_channels=128, hidden_channels=256, out_channels=64),
)
