# The ablations' schedule, as the authors ran it: 40 epochs, 3 of them warm-up, cosine to their end,
# 1e-3, hardly any decay and the release recipe's eps for 40 pairs a step (2 GPUs; 80 on 4).
_base_ = ['adamw_cosine_300e.py']

schedule_epochs = 40
warmup_epochs = 3

optim_wrapper = dict(optimizer=dict(lr=1e-3, weight_decay=1e-6, eps=1e-6))
param_scheduler = _base_.param_scheduler
param_scheduler[0].update(end=warmup_epochs)
param_scheduler[1].update(
    T_max=schedule_epochs - warmup_epochs, begin=warmup_epochs, end=schedule_epochs
)
train_cfg = dict(max_epochs=schedule_epochs)
auto_scale_lr = dict(base_batch_size=40)
