# PooDLe, ResNet-50, the Venice video of Walking Tours alone, 20 of 300 epochs.
_base_ = ['poodle_r50_wt-all.py']

train_dataloader = dict(dataset=dict(data_prefix=dict(path='videos/venice')))
