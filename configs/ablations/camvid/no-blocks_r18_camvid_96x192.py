# Laterals without decoder blocks on a dilated encoder: z' = z + lateral (Table 4, row 4).
_base_ = ['poodle_r18_camvid_96x192.py', '../../_base_/ablations/no-blocks.py']

model = {{_base_.ablation}}
