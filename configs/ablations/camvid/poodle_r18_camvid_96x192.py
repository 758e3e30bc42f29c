# PooDLe on real frames, small: the ablations' recipe, that is the release recipe without affine and flip.
_base_ = ['../../demo/poodle_r18_camvid_release.py', '../../_base_/datasets/camvid_driving.py']

processes = 1  # several runs side by side use the cores better than several processes
dataset = _base_.camvid_driving
dataset.update(_delete_=True, pipeline=_base_.train_dataloader.dataset.pipeline)
train_dataloader = dict(batch_size=16, dataset=dataset)
model = dict(data_preprocessor=dict(affine=None))
