# PooDLe, ResNet-50, BDD100K, 100 of 300 epochs, as the authors' released code trains it.
#     bash tools/dist_train.sh configs/poodle_r50_bdd_release.py 16
#     python tools/evaluate.py work_dirs/poodle_r50_bdd_release/epoch_100.pth --suite bdd100k
# 16 GPUs x 8 pairs. Hours: about 30 on 16 A100s as the paper states; not measured here.
# The paper: 39.2 mIoU with a linear readout of BDD100K (Table 1). No run of this project.
_base_ = ['poodle_r50_bdd.py', '_base_/recipes/release.py']

model = {{_base_.release_model}}
optim_wrapper = {{_base_.release_optim_wrapper}}
