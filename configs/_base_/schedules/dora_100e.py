# DoRA's schedule: dino_300e.py over 100 epochs, cosine to 1e-5, 5e-4 for 128 clips a step.
_base_ = ['dino_300e.py']

schedule_epochs = 100

param_scheduler = _base_.param_scheduler
param_scheduler[1].update(
    T_max=schedule_epochs - _base_.warmup_epochs, end=schedule_epochs, eta_min=1e-5
)
param_scheduler[2].update(T_max=schedule_epochs, end=schedule_epochs)
train_cfg = dict(max_epochs=schedule_epochs)
auto_scale_lr = dict(base_batch_size=128)
