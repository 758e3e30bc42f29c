# UFlow without labels on BDD100K, the second part of the authors' recipe: from the weights of uflow_kitti.py.
#     python tools/train.py configs/flow/uflow_bdd.py \
#         --cfg-options load_from=work_dirs/uflow_kitti/iter_50000.pth
# data/bdd100k/videos/train_daytime: links to a quarter of the training videos by day, as the authors have it, made by
#     python tools/dataset_converters/bdd100k_daytime.py data/bdd100k/labels/det_20/det_train.json \
#         data/bdd100k/videos/train data/bdd100k/videos/train_daytime --share 0.25
# Frames 10 apart, 256 x 512, 16 pairs a step, 100k steps. Not run here.
# The file for PooDLe: flow=dict(type='UFlow', weights='work_dirs/uflow_bdd/iter_100000.pth').
_base_ = ['../_base_/flow_training.py']

max_iters = 100000
warmup_iters = 20000  # the authors' 20 epochs, at about 1,000 steps each

model = dict(
    weights=dict(census=0.0, ssim=1.0, smooth2=2.0, selfsup=0.6),
    occlusion=dict(kind='forward_backward', alpha1=0.01, alpha2=0.5, begin=0.0),
    selfsup=dict(begin=0.0, ramp=0.0, crop=(64, 128)),
    data_preprocessor=dict(hue=(0.0, 0.5)),
)
train_dataloader = dict(
    dataset=dict(
        type='FramePairDataset',
        data_root='data/bdd100k',
        data_prefix=dict(path='videos/train_daytime'),
        source='videos',
        delta=10,
        delta_unit='frames',
        pipeline=[
            dict(type='PairRandomCrop', area=(1.0, 1.0), size=(256, 512)),
            dict(type='PackFramePair'),
        ],
    ),
)
param_scheduler = [
    dict(type='LinearLR', start_factor=1e-3, by_epoch=False, begin=0, end=warmup_iters),
    dict(
        type='CosineAnnealingLR',
        T_max=max_iters - warmup_iters,
        by_epoch=False,
        begin=warmup_iters,
        end=max_iters,
    ),
]
train_cfg = dict(max_iters=max_iters)
