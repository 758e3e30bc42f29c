# PooDLe whose convolutions, encoder's and decoder's, continue the maps by their mirror images, not by zeros, which
# tell how far the border is.
reflect = dict(type='Conv2d', padding_mode='reflect')
ablation = dict(backbone=dict(conv_cfg=reflect), neck=dict(conv_cfg=reflect))
