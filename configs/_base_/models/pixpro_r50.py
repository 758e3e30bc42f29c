# PixPro with a ResNet-50, the numbers of its released recipe: a dense map of stride 32, no instance
# branch (pooled_head=dict(type='PooledHead') is one).
model = dict(
    type='PixPro',
    momentum=0.99,
    data_preprocessor=dict(
        type='mmpretrain.SelfSupDataPreprocessor',
        mean=[123.675, 116.28, 103.53],
        std=[58.395, 57.12, 57.375],
        to_rgb=True,
    ),
    backbone=dict(
        type='mmpretrain.ResNet',
        depth=50,
        out_indices=(3,),
        norm_cfg=dict(type='BN', requires_grad=True),
        zero_init_residual=False,
    ),
    dense_head=dict(
        type='PixelPropagationHead',
        in_channels=2048,
        hidden_channels=4096,
        out_channels=256,
        sharpness=2.0,
        positive_ratio=0.7,
    ),
)
sync_bn = 'torch'  # batch norm over all GPUs when distributed; plain on one
