# ResNet readouts on BDD100K as FlowE's paper publishes them, and with them PooDLe's on ADE20K (appendix A):
# SGD 0.02, polynomial decay, 60,000 iterations of 16 images. Momentum, weight decay, power and floor of the
# decay are MMSegmentation's (ours).
optim_wrapper = dict(
    type='OptimWrapper',
    optimizer=dict(type='SGD', lr=0.02, momentum=0.9, weight_decay=0.0005),
)
param_scheduler = [
    dict(type='PolyLR', eta_min=1e-4, power=0.9, begin=0, end=60000, by_epoch=False),
]
train_cfg = dict(type='IterBasedTrainLoop', max_iters=60000, val_interval=6000)
val_cfg = dict(type='ValLoop')
test_cfg = dict(type='TestLoop')
auto_scale_lr = dict(enable=False, base_batch_size=16)
