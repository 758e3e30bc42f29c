# Both objectives on the last map of a dilated encoder, no decoder (Table 4, row 2; Figure 3a).
ablation = dict(
    backbone=dict(type='ResNet', strides=(1, 2, 1, 1), dilations=(1, 1, 2, 4)),
    neck=None,
)
