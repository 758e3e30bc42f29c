# The ablations' length where a pass over the data is an epoch: 40 epochs, cosine to their end.
_base_ = ['adamw_cosine_300e.py']

schedule_epochs = 40
param_scheduler = _base_.param_scheduler
param_scheduler[1].update(T_max=schedule_epochs - _base_.warmup_epochs, end=schedule_epochs)
train_cfg = dict(max_epochs=schedule_epochs)
