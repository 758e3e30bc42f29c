# UperNet fine-tuning, every weight trainable, with iBOT's schedule, sizes and sliding windows (its layer decay
# and drop path are a ViT's); WT-Sem.
_base_ = [
    '_base_/models/upernet_r50.py',
    '_base_/datasets/wt-sem_ibot_512x512.py',
    '_base_/schedules/ibot_finetune_160k.py',
    '_base_/default_runtime.py',
]
model = dict(
    type='EncoderDecoder',
    data_preprocessor=dict(size=(512, 512)),
    backbone=dict(frozen_stages=-1, norm_eval=False),
    decode_head=dict(num_classes=150),
    auxiliary_head=dict(num_classes=150),
    test_cfg=dict(mode='slide', crop_size=(512, 512), stride=(341, 341)),
)
custom_hooks = [dict(type='poodle_mm.StrictLoadHook'), dict(type='NumClassesHook')]
auto_scale_lr = dict(base_batch_size=4)  # the later paper's, one GPU; rate and length are iBOT's
