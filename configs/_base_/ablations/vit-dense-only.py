# The dense objective alone on a ViT's last map (appendix G, Figure 15).
arch = 'vit-xs8'  # of the config that this changes
ablation = dict(data_preprocessor=dict(subcrops=None), pooled_head=None)
