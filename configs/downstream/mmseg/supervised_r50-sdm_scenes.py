# Trained with labels, encoder and decoder too: what a network of this size can reach; the synthetic scenes.
_base_ = [
    '_base_/models/supervised_r50-sdm.py',
    '_base_/datasets/scenes_96x192.py',
    '_base_/schedules/adamw_warmup_cosine_1200.py',
    '_base_/default_runtime.py',
]
model = dict(
    data_preprocessor=dict(size=(96, 192)),
    decode_head=dict(num_classes=19, label_stride=2),
)
read, shape, annotations, pack = _base_.test_pipeline
train_dataloader = dict(
    dataset=dict(
        _delete_=True,
        type='BDD100KDataset',
        data_root=_base_.data_root,
        img_suffix='.png',
        data_prefix=dict(img_path='images/train', seg_map_path='labels/train'),
        pipeline=[
            read,
            annotations,
            shape,
            dict(type='RandomFlip', prob=0.5),
            dict(type='PhotoMetricDistortion'),
            pack,
        ],
    ),
)
custom_hooks = [dict(type='poodle_mm.StrictLoadHook'), dict(type='NumClassesHook')]
