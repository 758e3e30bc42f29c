# BDD*: poodle_r50_bdd.py, encoder initialised with supervised ImageNet weights (torchvision's 600-epoch recipe).
#     bash tools/dist_train.sh configs/poodle_r50_bdd_in1k.py 16
#     python tools/evaluate.py work_dirs/poodle_r50_bdd_in1k/epoch_100.pth --suite bdd100k
# 16 GPUs x 8 pairs. Hours: about 30 on 16 A100s as the paper states; not measured here.
# The paper: 44.7 mIoU with a linear readout of BDD100K (Table 1). No run of this project.
_base_ = ['poodle_r50_bdd.py']

model = dict(
    backbone=dict(init_cfg=dict(type='Pretrained', checkpoint='torchvision://resnet50.imagenet1k_v2'))
)
