# DenseCL on single frames of BDD100K for 800 epochs; else densecl_r50_bdd_224x224_100e.py.
# The paper: 21.3 mIoU with a linear readout (Table 1). No run of this project.
_base_ = ['densecl_r50_bdd_224x224_100e.py']

param_scheduler = _base_.param_scheduler
param_scheduler[0].update(T_max=800, end=800)
train_cfg = dict(max_epochs=800)
