# PooDLe, ResNet-50, BDD100K, 100 of 300 epochs: the paper's headline run.
#     bash tools/dist_train.sh configs/poodle_r50_bdd.py 16
#     python tools/evaluate.py work_dirs/poodle_r50_bdd/epoch_100.pth --suite bdd100k
# 16 GPUs x 8 pairs. Hours: about 30 on 16 A100s as the paper states; not measured here.
# The paper: 39.2 mIoU with a linear readout of BDD100K (Table 1). No run of this project.
_base_ = [
    '_base_/models/poodle_r50.py',
    '_base_/datasets/bdd100k_512x1024.py',
    '_base_/schedules/adamw_cosine_300e.py',
    '_base_/default_runtime.py',
]
