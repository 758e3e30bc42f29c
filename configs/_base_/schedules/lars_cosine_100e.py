# LARS, 10 epochs of warm-up, cosine over the rest of 100: BYOL's shape, its numbers are the recipes'.
# Biases and norms have neither decay nor adaptation.
epochs = 100
warmup_epochs = 10

optim_wrapper = dict(
    type='OptimWrapper',
    constructor='LARSConstructor',
    optimizer=dict(type='mmpretrain.LARS', lr=4.8, weight_decay=1e-6, momentum=0.9),
)
param_scheduler = [
    dict(
        type='LinearLR',
        start_factor=1e-4,
        by_epoch=True,
        begin=0,
        end=warmup_epochs,
        convert_to_iter_based=True,
    ),
    dict(
        type='CosineAnnealingLR',
        T_max=epochs - warmup_epochs,
        by_epoch=True,
        begin=warmup_epochs,
        end=epochs,
        convert_to_iter_based=True,
    ),
]
train_cfg = dict(type='EpochBasedTrainLoop', max_epochs=epochs)

auto_scale_lr = dict(base_batch_size=4096, enable=False)
