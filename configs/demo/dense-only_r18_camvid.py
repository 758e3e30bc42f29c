# The dense objective alone: encoder and spatial decoder, no subcrops (Table 4, row 5).
_base_ = ['poodle_r18_camvid.py']

model = dict(data_preprocessor=dict(subcrops=None), pooled_head=None)
