# UFlow without labels on a folder of clips of any size and length, for CPUs.
#     python tools/train.py configs/flow/uflow_clips.py --data-root DIR
# Better from weights that know motion already: --cfg-options load_from=work_dirs/uflow_scenes/iter_4000.pth
_base_ = ['uflow_scenes.py']

train_dataloader = dict(
    dataset=dict(
        data_root='data/videos',
        data_prefix=dict(path=''),
        source='clips',
        clip_seconds=10,
        pairs_per_clip=15,
        delta=(0.1, 0.5),
        delta_unit='seconds',
        filter_scene_cuts=True,
        min_motion=0.5,
    ),
)
