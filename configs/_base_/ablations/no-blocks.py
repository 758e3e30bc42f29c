# Laterals without decoder blocks on a dilated encoder: z' = z + lateral, all of stride 8 (Table 4, row 4:
# "rows without top-down follow FlowE, replacing pooling with dilated convolutions").
ablation = dict(
    backbone=dict(type='ResNet', strides=(1, 2, 1, 1), dilations=(1, 1, 2, 4)),
    neck=dict(block=None),
)
