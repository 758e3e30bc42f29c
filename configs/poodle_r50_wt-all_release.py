# PooDLe, ResNet-50, all ten Walking Tours videos, as the authors' released code trains it.
#     bash tools/dist_train.sh configs/poodle_r50_wt-all_release.py 16
#     python tools/evaluate.py work_dirs/poodle_r50_wt-all_release/epoch_20.pth --suite ade20k
# 16 GPUs x 8 pairs. Hours: about 13 on 16 A100s (the paper: 40 minutes an epoch); not measured here.
# The paper: 16.5 mIoU with a linear readout of ADE20K (Table 2). No run of this project.
_base_ = ['poodle_r50_wt-all.py', '_base_/recipes/release.py']

model = {{_base_.release_model}}
optim_wrapper = {{_base_.release_optim_wrapper}}
