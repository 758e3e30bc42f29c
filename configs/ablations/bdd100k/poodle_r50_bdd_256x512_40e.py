# The ablations' base (appendix A) as the authors ran it: the release recipe without affine and flip,
# 256x512, 15 frames apart, 40 epochs, ten pairs a visit of a video (4 passes over the videos).
_base_ = ['../../poodle_r50_bdd_release.py']

processes = 2  # or 4, with --auto-scale-lr
repeats = 10
epochs, warmup_epochs = 40, 3

model = dict(data_preprocessor=dict(affine=None))
train_dataloader = dict(
    batch_size=2,  # videos; x 10 pairs x 2 GPUs = 40 pairs
    sampler=dict(parts=repeats),
    dataset=dict(
        delta=15,
        repeats=repeats,
        pipeline=[
            # area 0.04 to 0.11
            dict(type='PairRandomCrop', scale=(0.75, 1.25), size=(256, 512)),
            dict(type='PackFramePair'),
        ],
    ),
)
optim_wrapper = dict(optimizer=dict(lr=1e-3, weight_decay=1e-6))
param_scheduler = _base_.param_scheduler
param_scheduler[0].update(end=warmup_epochs)
param_scheduler[1].update(T_max=epochs - warmup_epochs, begin=warmup_epochs, end=epochs)
train_cfg = dict(max_epochs=epochs)
custom_hooks = [
    dict(type='TargetUpdateHook', schedule_epochs=epochs),
    dict(type='PairVisualizationHook', interval=1000),
]
auto_scale_lr = dict(base_batch_size=40)
