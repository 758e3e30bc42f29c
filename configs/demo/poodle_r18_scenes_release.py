# poodle_r18_scenes.py with the views, the orders and the weights of the authors' released code.
_base_ = ['poodle_r18_scenes.py', '../_base_/recipes/release.py']

model = {{_base_.release_model}}
optim_wrapper = {{_base_.release_optim_wrapper}}
