# BDD* as the authors' released code trains it: encoder from supervised ImageNet weights.
_base_ = ['poodle_r50_bdd_in1k.py', '_base_/recipes/release.py']

model = {{_base_.release_model}}
optim_wrapper = {{_base_.release_optim_wrapper}}
