# The small network without labels on a folder of clips, from weights of uflow_small_scenes_exact.py.
#     python tools/train.py configs/flow/uflow_small_clips.py --data-root DIR \
#         --cfg-options load_from=work_dirs/uflow_small_scenes_exact/iter_12000.pth
_base_ = ['uflow_clips.py']

max_iters = 4000

model = dict(
    network='small',
    selfsup=dict(begin=0.25, ramp=0.1),
    data_preprocessor=dict(gain=0.1),
)
train_dataloader = dict(
    dataset=dict(
        delta=(0.1, 1.0),
        pipeline=[
            dict(type='PairRandomCrop', area=(0.5, 1.0), aspect=2.0, size=(128, 256)),
            dict(type='PackFramePair'),
        ],
    ),
)
optim_wrapper = dict(optimizer=dict(lr=1e-4), clip_grad=dict(max_norm=1.0))
