# PooDLe with flow that was learnt without labels (Table 4, row 6): UFlow at 256x512.
_base_ = ['poodle_r18_camvid_96x192.py', '../../_base_/ablations/uflow.py']

model = {{_base_.ablation}}
