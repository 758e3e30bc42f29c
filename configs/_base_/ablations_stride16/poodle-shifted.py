# PooDLe whose dense views are mirrored and shifted each on its own (ours), by up to a quarter of a side: the
# place in a view no longer says what the other view has there.
ablation = dict(data_preprocessor=dict(affine=dict(flip_prob=0.5, translate=0.25)))
