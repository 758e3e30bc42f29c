# BYOL on single frames of BDD100K, ResNet-50: its published recipe for 300 epochs.
_base_ = ['byol_r50_bdd_224x224_100e.py']

optim_wrapper = dict(optimizer=dict(lr=0.3 * 4096 / 256))
param_scheduler = _base_.param_scheduler
param_scheduler[1].update(T_max=290, end=300)
train_cfg = dict(max_epochs=300)
