# FlowE (Table 4, row 1): the dense objective on a dilated encoder of stride 8, no decoder.
ablation = dict(
    data_preprocessor=dict(subcrops=None),
    backbone=dict(type='ResNet', strides=(1, 2, 1, 1), dilations=(1, 1, 2, 4)),
    neck=None,
    pooled_head=None,
)
