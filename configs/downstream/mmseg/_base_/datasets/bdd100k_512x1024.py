# BDD100K's 10k images with 19 classes: short side drawn from 512-2048, crops of 512x1024; 4 GPUs of 4 images.
_base_ = 'random_crops.py'

data_root = 'data/bdd100k'
train_dataloader = dict(
    dataset=dict(
        type='BDD100KDataset',
        data_root=data_root,
        data_prefix=dict(img_path='images/10k/train', seg_map_path='labels/sem_seg/masks/train'),
    ),
)
val_dataloader = dict(
    dataset=dict(
        type='BDD100KDataset',
        data_root=data_root,
        data_prefix=dict(img_path='images/10k/val', seg_map_path='labels/sem_seg/masks/val'),
    ),
)
test_dataloader = val_dataloader
val_evaluator = dict(groups='bdd100k')
test_evaluator = val_evaluator
