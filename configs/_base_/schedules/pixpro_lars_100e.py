# PixPro's released schedule: LARS, 1.0 for each 256 of 1024 images a step, 5 epochs of warm-up.
_base_ = ['lars_cosine_100e.py']

optim_wrapper = dict(optimizer=dict(lr=1.0 * 1024 / 256, weight_decay=1e-5))
param_scheduler = _base_.param_scheduler
param_scheduler[0].update(end=5)
param_scheduler[1].update(begin=5, T_max=95)
auto_scale_lr = dict(base_batch_size=1024)
