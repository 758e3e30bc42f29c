# ADE20K (150 classes) for linear readouts, sizes as on BDD100K (PooDLe, appendix A: "the respective BDD
# linear readout settings"): short side drawn from 512-2048, crops of 512x1024; 4 GPUs of 4 images.
_base_ = 'random_crops.py'

data_root = 'data/ade/ADEChallengeData2016'
train_pipeline = _base_.train_pipeline
train_pipeline[1].reduce_zero_label = True
test_pipeline = _base_.test_pipeline
test_pipeline[2].reduce_zero_label = True
train_dataloader = dict(
    dataset=dict(
        type='ADE20KDataset',
        data_root=data_root,
        data_prefix=dict(img_path='images/training', seg_map_path='annotations/training'),
        pipeline=train_pipeline,
    ),
)
val_dataloader = dict(
    dataset=dict(
        type='ADE20KDataset',
        data_root=data_root,
        data_prefix=dict(img_path='images/validation', seg_map_path='annotations/validation'),
        pipeline=test_pipeline,
    ),
)
test_dataloader = val_dataloader
