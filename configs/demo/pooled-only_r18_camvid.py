# The pooled objective alone: the spatial decoder serves only the dense one, so it goes too.
_base_ = ['poodle_r18_camvid.py', '../_base_/ablations/pooled-only.py']

model = {{_base_.ablation}}
