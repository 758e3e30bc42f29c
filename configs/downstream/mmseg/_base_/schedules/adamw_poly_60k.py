# ViT readouts on BDD100K and ADE20K (PooDLe, appendix A): iterations and batch of the ResNets', but AdamW
# 3e-5 with weight decay 0.05. Warm-up and power of the decay are iBOT's (ours).
optim_wrapper = dict(
    type='OptimWrapper',
    optimizer=dict(type='AdamW', lr=3e-5, betas=(0.9, 0.999), weight_decay=0.05),
)
param_scheduler = [
    dict(type='LinearLR', start_factor=1e-6, by_epoch=False, begin=0, end=1500),
    dict(type='PolyLR', eta_min=0, power=1.0, begin=1500, end=60000, by_epoch=False),
]
train_cfg = dict(type='IterBasedTrainLoop', max_iters=60000, val_interval=6000)
val_cfg = dict(type='ValLoop')
test_cfg = dict(type='TestLoop')
auto_scale_lr = dict(enable=False, base_batch_size=16)
