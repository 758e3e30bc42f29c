# PooDLe on the synthetic driving scenes, flow estimated by DIS.
_base_ = ['../../demo/poodle_r18_scenes.py']

processes = 1  # several runs side by side use the cores better than several processes
train_dataloader = dict(batch_size=16)
