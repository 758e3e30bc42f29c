# The dense objective alone, with the whole decoder (Table 4, row 5).
_base_ = ['poodle_r50_bdd_256x512_40e.py', '../../_base_/ablations/dense-only.py']

model = {{_base_.ablation}}
