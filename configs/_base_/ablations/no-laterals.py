# Decoder blocks without laterals: z' = g(up(z)) (Table 4, row 3).
ablation = dict(neck=dict(lateral=None))
