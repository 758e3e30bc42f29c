# Decoder blocks without laterals (Table 4, row 3).
_base_ = ['poodle_r18_scenes_96x192.py', '../../_base_/ablations/no-laterals.py']

model = {{_base_.ablation}}
