# WT-Sem (Walking-Tours-Semantic): frames of Walking Tours, a frame every 2 s, with OpenSeeD's labels in ADE20K's 150
# classes; sizes as on BDD100K: short side drawn from 512-2048, crops of 512x1024; 4 GPUs of 4 images.
# Folders as tools/dataset_converters/pseudo_label.py writes them; see that a download looks like this:
#     python tools/check_data.py wt-sem data/wt_sem
_base_ = 'random_crops.py'

data_root = 'data/wt_sem'
labels = dict(
    reduce_zero_label=True,  # as ADE20K: 0 = other, class i is stored as i + 1; False: class i is i, 255 is ignored
    img_suffix='.jpg',
)
train_dataloader = dict(
    dataset=dict(
        type='ADE20KDataset',
        data_root=data_root,
        data_prefix=dict(img_path='images/train', seg_map_path='annotations/train'),
        **labels,
    ),
)
val_dataloader = dict(
    dataset=dict(
        type='ADE20KDataset',
        data_root=data_root,
        data_prefix=dict(img_path='images/val', seg_map_path='annotations/val'),
        **labels,
    ),
)
test_dataloader = val_dataloader
