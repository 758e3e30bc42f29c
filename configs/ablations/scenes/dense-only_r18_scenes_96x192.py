# The dense objective alone, with the whole decoder (Table 4, row 5).
_base_ = ['poodle_r18_scenes_96x192.py', '../../_base_/ablations/dense-only.py']

model = {{_base_.ablation}}
