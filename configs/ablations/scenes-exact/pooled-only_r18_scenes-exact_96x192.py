# The pooled objective alone (Figure 5c); the decoder serves only the dense one, so it goes too.
_base_ = ['poodle_r18_scenes-exact_96x192.py', '../../_base_/ablations/pooled-only.py']

model = {{_base_.ablation}}
