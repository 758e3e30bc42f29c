# Laterals without decoder blocks: z' = up(z) + lateral (Table 4, row 4).
ablation = dict(neck=dict(block=None))
