# PooDLe, ResNet-50, your own videos: any number of them, of any length; every length is in iterations.
#     python tools/train.py configs/poodle_r50_videos.py --data-root DIR
#     bash tools/dist_train.sh configs/poodle_r50_videos.py GPUS --data-root DIR
#     python tools/publish_model.py work_dirs/poodle_r50_videos/iter_50000.pth models/
# 8 pairs a GPU; the rate is that of poodle_r50_bdd.py, scaled by the total batch. Hours: not measured here.
# --iters N: another length, schedules in proportion. docs/own_videos.md shows all of it.
_base_ = [
    '_base_/models/poodle_r50.py',
    '_base_/datasets/walking_tours_512x1024.py',
    '_base_/schedules/adamw_cosine_iters.py',
    '_base_/default_runtime.py',
]

max_iters = 50000
warmup_iters = 500

# Clips of 10 s (a shorter video is one, a longer one several), each visited 15 times an epoch. Frames 0.5 to
# 1 s apart, which is BDD100K's 15 to 30 at 30 a second; crops as there.
train_dataloader = dict(
    dataset=dict(
        data_root='data/videos',
        data_prefix=dict(path=''),
        delta=(0.5, 1.0),
        pipeline=[
            dict(type='PairRandomCrop', scale=(0.75, 1.25), size=(512, 1024)),
            dict(type='PackFramePair'),
        ],
    ),
)
optim_wrapper = dict(optimizer=dict(lr=5e-4))
auto_scale_lr = dict(base_batch_size=128, enable=True)
param_scheduler = [
    dict(type='LinearLR', start_factor=1e-4, by_epoch=False, begin=0, end=warmup_iters),
    dict(
        type='CosineAnnealingLR',
        T_max=max_iters - warmup_iters,
        by_epoch=False,
        begin=warmup_iters,
        end=max_iters,
    ),
]
train_cfg = dict(max_iters=max_iters)
default_hooks = dict(checkpoint=dict(by_epoch=False, interval=2500, max_keep_ckpts=3))
custom_hooks = [
    dict(type='TargetUpdateHook'),
    dict(type='PairVisualizationHook', interval=1000),
]
log_processor = dict(by_epoch=False)
