# PooDLe with a ResNet-50 (appendix A): stride-32 encoder, spatial decoder to stride 8, both heads.
model = dict(
    type='PooDLe',
    momentum=0.996,
    channels_last=True,
    data_preprocessor=dict(
        type='FramePairPreprocessor',
        # raft-things
        flow=dict(type='RAFTFlow', arch='large', weights='C_T_V1', num_updates=24),
        occlusion=dict(alpha1=0.1, alpha2=0.5),
        affine=dict(scale=(0.9, 1.1), angle=(-10, 10)),
        subcrops=dict(num=6, size=192, area=(0.05, 0.3), aspect=(3 / 4, 4 / 3), jitter=0.1),
    ),
    backbone=dict(
        type='mmpretrain.ResNet',
        depth=50,
        out_indices=(1, 2, 3),
        norm_cfg=dict(type='BN', requires_grad=True),
        zero_init_residual=False,
    ),
    neck=dict(type='SpatialDecoderModule', in_channels=[512, 1024, 2048], lateral='linear'),
    dense_head=dict(
        type='DenseFlowHead', in_channels=2048, hidden_channels=4096, out_channels=256
    ),
    pooled_head=dict(
        type='PooledHead', in_channels=2048, hidden_channels=4096, out_channels=256
    ),
)
sync_bn = 'torch'  # batch norm over all GPUs when distributed; plain on one
