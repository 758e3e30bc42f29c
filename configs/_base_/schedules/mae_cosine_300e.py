# MAE's schedule: AdamW, 1.5e-4 for each 256 of 4096 images a step, 40 epochs of warm-up, cosine over the
# rest of 300 (mmpretrain's shortest recipe). Tokens decay, biases and norms do not, as in the released code.
epochs = 300
warmup_epochs = 40

optim_wrapper = dict(
    type='OptimWrapper',
    constructor='MatrixDecayConstructor',
    optimizer=dict(type='AdamW', lr=1.5e-4 * 4096 / 256, betas=(0.9, 0.95), weight_decay=0.05),
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
