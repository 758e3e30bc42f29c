# FlowE (Table 4, row 1): the dense objective on a dilated encoder of stride 8, no decoder.
_base_ = ['poodle_r50_bdd_256x512_40e.py', '../../_base_/ablations/flowe.py']

model = {{_base_.ablation}}
