# The dense objective alone: encoder and spatial decoder, no subcrops (Table 4, row 5).
_base_ = ['poodle_r18_camvid.py', '../_base_/ablations/dense-only.py']

model = {{_base_.ablation}}
