# Decoder blocks without laterals (Table 4, row 3).
ablation = dict(neck=dict(lateral=None))
