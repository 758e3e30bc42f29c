# PooDLe with flow that was learnt without labels (Table 4, row 6): UFlow at 256x512.
_base_ = ['poodle_r50_bdd_256x512_40e.py', '../../_base_/ablations/uflow.py']

model = {{_base_.ablation}}
