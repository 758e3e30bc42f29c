default_scope = 'poodle_mm'

default_hooks = dict(
    timer=dict(type='IterTimerHook'),
    logger=dict(type='LoggerHook', interval=50),
    param_scheduler=dict(type='ParamSchedulerHook'),
    checkpoint=dict(type='AtomicCheckpointHook', interval=1, max_keep_ckpts=3),
    sampler_seed=dict(type='DistSamplerSeedHook'),
    run_stats=dict(type='RunStatsHook'),
    health=dict(type='HealthHook', limits=dict(), stop_on=['nonfinite']),
    worst_pairs=dict(type='WorstPairsHook'),
)
custom_hooks = [
    dict(type='TargetUpdateHook', schedule_epochs=300),
    dict(type='PairVisualizationHook', interval=1000),
]
allow_tf32 = False  # full float32 on GPUs, as in the paper
env_cfg = dict(
    cudnn_benchmark=True,
    mp_cfg=dict(mp_start_method='fork', opencv_num_threads=0),
    dist_cfg=dict(backend='nccl'),
)
log_processor = dict(window_size=50)
log_level = 'INFO'
visualizer = dict(
    type='mmengine.Visualizer',
    vis_backends=[dict(type='LocalVisBackend'), dict(type='TensorboardVisBackend')],
)
randomness = dict(seed=0)
load_from = None
resume = False
