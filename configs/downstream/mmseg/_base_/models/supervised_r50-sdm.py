# The ceiling of a linear readout: encoder, decoder and head trained together on the labels, from random weights
# or from a checkpoint's.
_base_ = ['linear_r50-sdm.py']

model = dict(
    type='EncoderDecoder',
    backbone=dict(frozen_stages=-1, norm_eval=False),
    neck=dict(frozen=False),
)
