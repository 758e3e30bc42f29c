# The small network without labels on what the CamVid ablations pretrain on: CamVid's train frames, most of them a
# second apart, and frames of other driving videos, half each; no labels.
#     python tools/train.py configs/flow/uflow_small_camvid.py
_base_ = ['uflow_small_scenes.py', '../_base_/datasets/camvid_driving.py']

dataset = _base_.camvid_driving
dataset.datasets[1].update(delta=(0.1, 0.5))
dataset.update(
    _delete_=True,
    pipeline=[
        # of CamVid's 4:3 frames as much as 2:1 allows
        dict(type='PairRandomCrop', area=(0.3, 0.66), aspect=2.0, size=(128, 256)),
        dict(type='PackFramePair'),
    ],
)
train_dataloader = dict(dataset=dataset)
