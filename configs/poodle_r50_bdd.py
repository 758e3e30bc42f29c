# PooDLe, ResNet-50, BDD100K, 100 of 300 epochs: the paper's headline run (16 GPUs).
_base_ = [
    '_base_/models/poodle_r50.py',
    '_base_/datasets/bdd100k_512x1024.py',
    '_base_/schedules/adamw_cosine_300e.py',
    '_base_/default_runtime.py',
]
