# The paper's counts of cells at a quarter of its pixels: crops of 128x256 and a ResNet-18 of total stride 16
# give a last map of 8x16 cells, the decoder 32x64, six subcrop pairs of 96 pixels 6x6 cells each.
_base_ = ['poodle_r18_quarter.py']

model = dict(
    data_preprocessor=dict(subcrops=dict(num=6, size=96)),
    backbone=dict(strides=(1, 1, 2, 2)),
)
