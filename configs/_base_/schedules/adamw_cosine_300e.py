# AdamW, 5e-4 for a total batch of 128 pairs, 2 warm-up epochs, cosine over 300 epochs (appendix A).
# eps is the released code's, 1e-6 on a loss a quarter of ours; no decay of biases and norms likewise.
# Training stops early: train_cfg.max_epochs; the schedules (also the target momentum) do not.
schedule_epochs = 300
warmup_epochs = 2

optim_wrapper = dict(
    type='OptimWrapper',
    constructor='MatrixDecayConstructor',
    optimizer=dict(type='AdamW', lr=5e-4, weight_decay=0.01, eps=4e-6),
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
        T_max=schedule_epochs - warmup_epochs,
        by_epoch=True,
        begin=warmup_epochs,
        end=schedule_epochs,
        convert_to_iter_based=True,
    ),
]
train_cfg = dict(type='EpochBasedTrainLoop', max_epochs=100)

# 16 GPUs x 8 pairs, or half the batch_size with optim_wrapper.accumulative_counts=2.
auto_scale_lr = dict(base_batch_size=128, enable=False)
