# A short run by iterations: warm-up over a twentieth, cosine to zero at the end.
max_iters = 750

optim_wrapper = dict(
    type='OptimWrapper',
    constructor='MatrixDecayConstructor',
    optimizer=dict(type='AdamW', lr=4e-3, weight_decay=0.01, eps=4e-6),
)
param_scheduler = [
    dict(type='LinearLR', start_factor=1e-2, by_epoch=False, begin=0, end=max_iters // 20),
    dict(
        type='CosineAnnealingLR',
        T_max=max_iters - max_iters // 20,
        by_epoch=False,
        begin=max_iters // 20,
        end=max_iters,
    ),
]
train_cfg = dict(type='IterBasedTrainLoop', max_iters=max_iters)
