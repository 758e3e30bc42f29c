# PooDLe, ResNet-50, the Venice video of Walking Tours, as the authors' released code trains it.
_base_ = ['poodle_r50_wt-venice.py', '_base_/recipes/release.py']

model = {{_base_.release_model}}
optim_wrapper = {{_base_.release_optim_wrapper}}
