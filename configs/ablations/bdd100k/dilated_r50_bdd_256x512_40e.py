# Both objectives on the last map of a dilated encoder, no decoder (Table 4, row 2; Figure 3a).
_base_ = ['poodle_r50_bdd_256x512_40e.py', '../../_base_/ablations/dilated.py']

model = {{_base_.ablation}}
