# The dense objective alone, with the whole decoder (Table 4, row 5).
ablation = dict(data_preprocessor=dict(subcrops=None), pooled_head=None)
