# PooDLe with a small ViT on the synthetic driving scenes (appendix G): both objectives on its last map, of stride 8, without a
# final norm, so that the norms of the tokens are free.
_base_ = ['poodle_r18_scenes_96x192.py', '../../_base_/models/vit-xs8.py']

vit = _base_.vit_xs8
vit.update(_delete_=True, out_type='featmap', final_norm=False)
model = dict(
    backbone=vit,
    neck=None,
    dense_head=dict(in_channels=96),
    pooled_head=dict(in_channels=96),
)
# the other small ViTs' rate and clipping
optim_wrapper = dict(optimizer=dict(lr=1e-3), clip_grad=dict(max_norm=3.0))
default_hooks = dict(logger=dict(interval=10))
custom_hooks = [
    dict(type='TargetUpdateHook'),
    dict(type='TokenNormHook', interval=10),
    dict(type='PairVisualizationHook', interval=300),
]
