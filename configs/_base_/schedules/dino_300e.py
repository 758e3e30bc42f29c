# DINO's and iBOT's schedule of 300 epochs for ViTs: AdamW, 5e-4 for 256 images a step, 10 epochs of warm-up,
# cosine to 1e-6; weight decay 0.04 to 0.4, none on biases and norms; gradients clipped at 3 (the norm of all
# of them; the papers clip each parameter's).
_base_ = ['adamw_cosine_300e.py']

schedule_epochs = 300
warmup_epochs = 10

optim_wrapper = dict(
    optimizer=dict(lr=5e-4, weight_decay=0.04, eps=1e-8), clip_grad=dict(max_norm=3.0)
)
param_scheduler = [
    dict(_base_.param_scheduler[0], end=warmup_epochs),
    dict(
        _base_.param_scheduler[1],
        T_max=schedule_epochs - warmup_epochs,
        begin=warmup_epochs,
        end=schedule_epochs,
        eta_min=1e-6,
    ),
    dict(
        type='mmpretrain.CosineAnnealingWeightDecay',
        T_max=schedule_epochs,
        eta_min=0.4,
        by_epoch=True,
        begin=0,
        end=schedule_epochs,
        convert_to_iter_based=True,
    ),
]
train_cfg = dict(max_epochs=schedule_epochs)
auto_scale_lr = dict(base_batch_size=256)
