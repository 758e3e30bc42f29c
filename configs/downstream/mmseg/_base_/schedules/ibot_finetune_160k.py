# Fine-tuning as iBOT: AdamW 3e-5, weight decay 0.05 but for one-dimensional parameters (biases, gains of
# norms), 1500 iterations of warm-up, linear decay, 160,000 iterations of 16 images (4 GPUs of 4). Its
# layer-wise decay of the rate is a ViT's and stands in the configs of ViTs.
optim_wrapper = dict(
    type='OptimWrapper',
    optimizer=dict(type='AdamW', lr=3e-5, betas=(0.9, 0.999), weight_decay=0.05),
    paramwise_cfg=dict(flat_decay_mult=0.0),
)
param_scheduler = [
    dict(type='LinearLR', start_factor=1e-6, by_epoch=False, begin=0, end=1500),
    dict(type='PolyLR', eta_min=0, power=1.0, begin=1500, end=160000, by_epoch=False),
]
train_cfg = dict(type='IterBasedTrainLoop', max_iters=160000, val_interval=16000)
val_cfg = dict(type='ValLoop')
test_cfg = dict(type='TestLoop')
auto_scale_lr = dict(enable=False, base_batch_size=16)
