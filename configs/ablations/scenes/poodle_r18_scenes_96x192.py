# PooDLe on the synthetic driving scenes, flow estimated by DIS: the ablations' recipe, that is the release
# recipe without affine and flip.
_base_ = ['../../demo/poodle_r18_scenes_release.py']

processes = 1  # several runs side by side use the cores better than several processes
train_dataloader = dict(batch_size=16)
model = dict(data_preprocessor=dict(affine=None))
