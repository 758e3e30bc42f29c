# What BYOL and DenseCL share on BDD100K: single frames; optimizer and length are the ablations' (ours), for
# equal budgets.
_base_ = ['datasets/bdd100k_frames.py', 'schedules/adamw_cosine_40e.py', 'default_runtime.py']

processes = 2
train_dataloader = dict(batch_size=20)
custom_hooks = []
