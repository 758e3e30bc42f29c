# mae_vit-s16_wt-all_224x224_300e.py on the Venice video alone, 75 frames of a clip.
# The later paper: 7.4 mIoU with a linear readout of ADE20K. No run of this project.
_base_ = ['mae_vit-s16_wt-all_224x224_300e.py']

train_dataloader = dict(
    dataset=dict(data_prefix=dict(path='videos/venice'), pairs_per_clip=75)
)
