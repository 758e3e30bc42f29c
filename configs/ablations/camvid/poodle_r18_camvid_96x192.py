# PooDLe on real frames, small.
_base_ = ['../../_base_/demo_r18.py', '../../_base_/datasets/camvid_driving.py']

processes = 1  # several runs side by side use the cores better than several processes
dataset = _base_.camvid_driving
dataset.update(
    _delete_=True,
    pipeline=[
        dict(type='PairRandomCrop', area=(0.3, 1.0), size=(96, 192)),
        dict(type='PackFramePair'),
    ],
)
train_dataloader = dict(batch_size=16, dataset=dataset)
readout = dict(suite='camvid')
