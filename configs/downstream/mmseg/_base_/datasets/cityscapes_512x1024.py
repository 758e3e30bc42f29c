# Cityscapes: short side drawn from 512-2048 as on BDD100K, crops of 512x1024; 4 GPUs of 2 images.
_base_ = 'random_crops.py'

data_root = 'data/cityscapes'
train_dataloader = dict(
    batch_size=2,
    dataset=dict(
        type='CityscapesDataset',
        data_root=data_root,
        data_prefix=dict(img_path='leftImg8bit/train', seg_map_path='gtFine/train'),
    ),
)
val_dataloader = dict(
    dataset=dict(
        type='CityscapesDataset',
        data_root=data_root,
        data_prefix=dict(img_path='leftImg8bit/val', seg_map_path='gtFine/val'),
    ),
)
test_dataloader = val_dataloader
