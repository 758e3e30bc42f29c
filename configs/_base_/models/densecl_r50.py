# DenseCL with a ResNet-50: mmpretrain's classes and the numbers of its
# densecl_resnet50_8xb32-coslr-200e_in1k (SGD 0.03 for 256 images).
# mmpretrain's momentum is the share of the new weights, 1 - momentum of the papers: 0.001 is 0.999.
# The queue must be a multiple of the total batch, so batches must be whole: drop_last or an
# infinite sampler. No sync_bn: the keys' batch is shuffled between the processes instead.
model = dict(
    type='mmpretrain.DenseCL',
    queue_len=65536,
    feat_dim=128,
    momentum=0.001,
    loss_lambda=0.5,
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
    neck=dict(
        type='mmpretrain.DenseCLNeck',
        in_channels=2048,
        hid_channels=2048,
        out_channels=128,
        num_grid=None,
    ),
    head=dict(
        type='mmpretrain.ContrastiveHead',
        loss=dict(type='mmpretrain.CrossEntropyLoss'),
        temperature=0.2,
    ),
)
