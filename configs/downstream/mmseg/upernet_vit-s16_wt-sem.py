# UperNet fine-tuning as iBOT: every weight trainable, rates that fall by 0.9 a layer, drop path 0.1; WT-Sem.
_base_ = [
    '_base_/models/upernet_vit-s16.py',
    '_base_/datasets/wt-sem_ibot_512x512.py',
    '_base_/schedules/ibot_finetune_160k.py',
    '_base_/default_runtime.py',
]
model = dict(
    type='EncoderDecoder',
    backbone=dict(frozen_stages=0, drop_path_rate=0.1),
    decode_head=dict(num_classes=150),
    auxiliary_head=dict(num_classes=150),
)
custom_hooks = [dict(type='poodle_mm.StrictLoadHook'), dict(type='NumClassesHook')]
optim_wrapper = dict(
    constructor='EncoderLayerDecayConstructor',
    paramwise_cfg=dict(layer_decay_rate=0.9),
)
auto_scale_lr = dict(base_batch_size=4)  # the later paper's, one GPU; rate and length are iBOT's
