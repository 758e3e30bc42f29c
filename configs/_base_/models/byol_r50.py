# BYOL with a ResNet-50: mmpretrain's classes and the numbers of its
# byol_resnet50_16xb256-coslr-200e_in1k (LARS 4.8 for 4096 images; auto_scale_lr is the recipe's).
# mmpretrain's momentum is the share of the new weights, 1 - momentum of the papers: 0.01 is 0.99.
# Its cosine ends where the run ends, also where a schedule would go on.
model = dict(
    type='mmpretrain.BYOL',
    base_momentum=0.01,
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
        type='mmpretrain.NonLinearNeck',
        in_channels=2048,
        hid_channels=4096,
        out_channels=256,
        num_layers=2,
        with_bias=True,
        with_last_bn=False,
        with_avg_pool=True,
        norm_cfg=dict(type='BN1d'),
    ),
    head=dict(
        type='mmpretrain.LatentPredictHead',
        predictor=dict(
            type='mmpretrain.NonLinearNeck',
            in_channels=256,
            hid_channels=4096,
            out_channels=256,
            num_layers=2,
            with_bias=True,
            with_last_bn=False,
            with_avg_pool=False,
            norm_cfg=dict(type='BN1d'),
        ),
        loss=dict(type='mmpretrain.CosineSimilarityLoss'),
    ),
)
sync_bn = 'torch'  # batch norm over all GPUs when distributed; plain on one
