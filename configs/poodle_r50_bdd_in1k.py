# BDD*: the same run, encoder initialised with supervised ImageNet weights.
_base_ = ['poodle_r50_bdd.py']

model = dict(
    backbone=dict(init_cfg=dict(type='Pretrained', checkpoint='torchvision://resnet50'))
)
