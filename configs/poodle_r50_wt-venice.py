# PooDLe, ResNet-50, the Venice video of Walking Tours alone, 20 of 300 epochs.
#     bash tools/dist_train.sh configs/poodle_r50_wt-venice.py 16
#     python tools/evaluate.py work_dirs/poodle_r50_wt-venice/epoch_20.pth --suite ade20k
# 16 GPUs x 8 pairs. Hours: about 13 on 16 A100s (the paper: 40 minutes an epoch); not measured here.
# The paper: 14.6 mIoU with a linear readout of ADE20K (Table 2). No run of this project.
_base_ = ['poodle_r50_wt-all.py']

# 75 pairs a clip and epoch: the released code's.
train_dataloader = dict(
    dataset=dict(data_prefix=dict(path='videos/venice'), pairs_per_clip=75)
)
