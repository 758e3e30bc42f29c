# Laterals without decoder blocks on a dilated encoder: z' = z + lateral (Table 4, row 4).
_base_ = ['poodle_r50_bdd_256x512_40e.py', '../../_base_/ablations/no-blocks.py']

model = {{_base_.ablation}}
