# FlowE (Table 4, row 1): the dense objective on a dilated encoder of stride 8, no decoder.
_base_ = ['poodle_r18_camvid_96x192.py', '../../_base_/ablations/flowe.py']

model = {{_base_.ablation}}
