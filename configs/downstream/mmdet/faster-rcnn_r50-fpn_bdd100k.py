# Faster R-CNN on the frozen encoder; BDD100K detection.
_base_ = [
    '_base_/models/faster-rcnn_r50-fpn.py',
    '_base_/datasets/bdd100k.py',
    '_base_/default_runtime.py',
    '_base_/schedules/sgd_1x.py',
]
