# PooDLe, ResNet-50, BDD100K, 100 of 300 epochs, as the authors' released code trains it (16 GPUs).
_base_ = ['poodle_r50_bdd.py', '_base_/recipes/release.py']

model = {{_base_.release_model}}
optim_wrapper = {{_base_.release_optim_wrapper}}
