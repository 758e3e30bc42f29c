# PooDLe, ResNet-50, all ten Walking Tours videos, as the authors' released code trains it.
_base_ = ['poodle_r50_wt-all.py', '_base_/recipes/release.py']

model = {{_base_.release_model}}
optim_wrapper = {{_base_.release_optim_wrapper}}
