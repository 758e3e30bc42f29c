# The ablations' base (appendix A): 256x512, crops of area 0.04 to 0.11, 40 epochs with repeated
# sampling. The paper does not print R; with R = 2 (ours) a pass over the videos counts as 2 epochs.
_base_ = ['../../poodle_r50_bdd.py']

processes = 4  # the paper: 2 or 4 GPUs
repeats = 2
schedule_passes = 40 // repeats
warmup_passes = 2 // repeats

train_dataloader = dict(
    batch_size=16,  # videos; x 2 pairs x 4 GPUs = 128 pairs
    dataset=dict(
        repeats=repeats,
        pipeline=[
            dict(type='PairRandomCrop', area=(0.04, 0.11), size=(256, 512)),
            dict(type='PackFramePair'),
        ],
    ),
)
param_scheduler = _base_.param_scheduler
param_scheduler[0].update(end=warmup_passes)
param_scheduler[1].update(
    T_max=schedule_passes - warmup_passes, begin=warmup_passes, end=schedule_passes
)
train_cfg = dict(max_epochs=schedule_passes)
custom_hooks = [
    dict(type='TargetUpdateHook', schedule_epochs=schedule_passes),
    dict(type='CollapseMonitorHook'),
    dict(type='PairVisualizationHook', interval=1000),
]
