# Decoder blocks without laterals (Table 4, row 3).
_base_ = ['poodle_r50_bdd_256x512_40e.py', '../../_base_/ablations/no-laterals.py']

model = {{_base_.ablation}}
