# The pooled objective alone: the spatial decoder serves only the dense one, so it goes too.
_base_ = ['poodle_r18_camvid.py']

model = dict(neck=None, dense_head=None)
