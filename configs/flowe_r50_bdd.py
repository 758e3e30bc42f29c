# FlowE, the paper's strongest baseline: PooDLe's run with the dense objective alone on a dilated encoder.
#     bash tools/dist_train.sh configs/flowe_r50_bdd.py 16
#     python tools/evaluate.py work_dirs/flowe_r50_bdd/epoch_100.pth --suite bdd100k
# 16 GPUs x 8 pairs. Hours: not printed, not measured.
# The paper: 35.7 mIoU with a linear readout of BDD100K (Table 1). No run of this project.
_base_ = ['poodle_r50_bdd.py', '_base_/ablations/flowe.py']

model = {{_base_.ablation}}
