# What trainings of flow share: UFlow's network and losses, Adam, lengths in iterations.
_base_ = ['default_runtime.py']

model = dict(
    type='UFlowTraining',
    network='uflow',
    data_preprocessor=dict(type='FlowPairPreprocessor'),
)
train_dataloader = dict(
    batch_size=16,
    num_workers=8,
    persistent_workers=True,
    pin_memory=True,
    sampler=dict(type='PairSampler', shuffle=True, infinite=True),
    collate_fn=dict(type='poodle_mm.frame_pair_collate'),
)
optim_wrapper = dict(type='OptimWrapper', optimizer=dict(type='Adam', lr=1e-4))
train_cfg = dict(type='IterBasedTrainLoop', max_iters=100000)
default_hooks = dict(checkpoint=dict(by_epoch=False, interval=1000, max_keep_ckpts=2))
custom_hooks = [dict(type='PairVisualizationHook', interval=1000)]
log_processor = dict(by_epoch=False)
