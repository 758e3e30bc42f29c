# dino_300e.py over 100 epochs.
_base_ = ['dino_300e.py']

schedule_epochs = 100

param_scheduler = _base_.param_scheduler
param_scheduler[1].update(T_max=schedule_epochs - _base_.warmup_epochs, end=schedule_epochs)
param_scheduler[2].update(T_max=schedule_epochs, end=schedule_epochs)
train_cfg = dict(max_epochs=schedule_epochs)
