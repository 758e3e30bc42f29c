# BYOL on single frames of BDD100K, ResNet-50: its published recipe for 1000 epochs.
_base_ = ['byol_r50_bdd_224x224_100e.py']

model = dict(base_momentum=0.004)
optim_wrapper = dict(optimizer=dict(lr=0.2 * 4096 / 256, weight_decay=1.5e-6))
param_scheduler = _base_.param_scheduler
param_scheduler[1].update(T_max=990, end=1000)
train_cfg = dict(max_epochs=1000)
