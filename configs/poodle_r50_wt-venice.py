# PooDLe, ResNet-50, the Venice video of Walking Tours alone, 20 of 300 epochs.
_base_ = ['poodle_r50_wt-all.py']

# 75 pairs a clip and epoch: the released code's.
train_dataloader = dict(
    dataset=dict(data_prefix=dict(path='videos/venice'), pairs_per_clip=75)
)
