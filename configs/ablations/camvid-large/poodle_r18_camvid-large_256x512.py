# The authors' ablation config at its own crop of 256x512 on CamVid's train split and driving videos, half each: a
# whole ResNet-18 of total stride 32, six subcrop pairs of 192 pixels, decoder of stride 8. Views and frames are those
# of camvid-cells, the rate is the authors'; for one GPU.
_base_ = ['../camvid-cells/poodle_r18_camvid-cells_128x256.py']

pipeline = [
    dict(type='PairRandomCrop', scale=(0.75, 1.25), short_side=540, size=(256, 512)),
    dict(type='PackFramePair'),
]
model = dict(
    data_preprocessor=dict(subcrops=dict(size=192)),
    backbone=dict(base_channels=64, stem_channels=64, strides=(1, 2, 2, 2)),
    neck=dict(in_channels=[128, 256, 512]),
    dense_head=dict(in_channels=512, hidden_channels=1024, out_channels=256),
    pooled_head=dict(in_channels=512, hidden_channels=1024, out_channels=256),
)
train_dataloader = dict(num_workers=2, dataset=dict(pipeline=pipeline))
optim_wrapper = dict(optimizer=dict(lr=1e-3))
