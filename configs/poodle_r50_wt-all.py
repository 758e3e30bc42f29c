# PooDLe, ResNet-50, all ten Walking Tours videos, 20 of 300 epochs.
#     bash tools/dist_train.sh configs/poodle_r50_wt-all.py 16
#     python tools/evaluate.py work_dirs/poodle_r50_wt-all/epoch_20.pth --suite ade20k
# 16 GPUs x 8 pairs. Hours: about 13 on 16 A100s (the paper: 40 minutes an epoch); not measured here.
# The paper: 16.5 mIoU with a linear readout of ADE20K (Table 2). No run of this project.
_base_ = [
    '_base_/models/poodle_r50.py',
    '_base_/datasets/walking_tours_512x1024.py',
    '_base_/schedules/adamw_cosine_300e.py',
    '_base_/default_runtime.py',
]

train_cfg = dict(max_epochs=20)
