# PooDLe on the synthetic driving scenes with their exact flow and visibility: the method alone.
_base_ = ['../scenes/poodle_r18_scenes_96x192.py']

train_dataloader = dict(
    dataset=dict(
        pipeline=[
            dict(type='PairRandomCrop', scale=(0.75, 1.25), short_side=144, size=(96, 192)),
            dict(type='LoadSceneFlow'),
            dict(type='PackFramePair'),
        ],
    ),
)
model = dict(data_preprocessor=dict(flow=dict(_delete_=True, type='CachedFlow')))
