# PooDLe, ResNet-50, all ten Walking Tours videos, 20 of 300 epochs.
_base_ = [
    '_base_/models/poodle_r50.py',
    '_base_/datasets/walking_tours_512x1024.py',
    '_base_/schedules/adamw_cosine_300e.py',
    '_base_/default_runtime.py',
]

train_cfg = dict(max_epochs=20)
