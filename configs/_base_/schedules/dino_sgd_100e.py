# DINO's schedule for ResNets: SGD, 0.03 for 256 images a step, constant weight decay, 100 epochs.
_base_ = ['dino_300e.py']

schedule_epochs = 100

optim_wrapper = dict(
    optimizer=dict(_delete_=True, type='SGD', lr=0.03, momentum=0.9, weight_decay=1e-4)
)
param_scheduler = _base_.param_scheduler[:2]
param_scheduler[1].update(T_max=schedule_epochs - _base_.warmup_epochs, end=schedule_epochs)
train_cfg = dict(max_epochs=schedule_epochs)
