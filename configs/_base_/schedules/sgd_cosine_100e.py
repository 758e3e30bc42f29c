# MoCo's schedule: SGD, 0.03 for 256 images a step, decay of all parameters, cosine over 100 epochs.
epochs = 100

optim_wrapper = dict(
    type='OptimWrapper', optimizer=dict(type='SGD', lr=0.03, weight_decay=1e-4, momentum=0.9)
)
param_scheduler = [
    dict(type='CosineAnnealingLR', T_max=epochs, by_epoch=True, begin=0, end=epochs)
]
train_cfg = dict(type='EpochBasedTrainLoop', max_epochs=epochs)

auto_scale_lr = dict(base_batch_size=256, enable=False)
