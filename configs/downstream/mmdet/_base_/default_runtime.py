_base_ = 'mmdet::_base_/default_runtime.py'
custom_imports = dict(imports=['poodle_mm.evaluation.detection'])
default_hooks = dict(checkpoint=dict(type='poodle_mm.AtomicCheckpointHook', max_keep_ckpts=2))
