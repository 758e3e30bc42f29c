# The pooled objective alone (Figure 5c); the decoder serves only the dense one, so it goes too.
ablation = dict(neck=None, dense_head=None)
