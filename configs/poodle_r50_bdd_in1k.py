# BDD*: the same run, encoder initialised with supervised ImageNet weights (torchvision's 600-epoch recipe).
_base_ = ['poodle_r50_bdd.py']

model = dict(
    backbone=dict(init_cfg=dict(type='Pretrained', checkpoint='torchvision://resnet50.imagenet1k_v2'))
)
