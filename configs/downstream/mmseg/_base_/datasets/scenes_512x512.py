# Synthetic driving scenes, enlarged, crops of 512x512 for ViTs; folders and sizes as CamVid's.
_base_ = 'camvid_512x512.py'

data_root = 'data/scenes'
train_dataloader = dict(
    dataset=dict(type='BDD100KDataset', data_root=data_root, img_suffix='.png')
)
val_dataloader = train_dataloader
test_dataloader = train_dataloader
