# What published recipes of methods on single frames share on BDD100K; processes, batch_size, model,
# pipeline and schedule are each recipe's.
_base_ = ['datasets/bdd100k_frames.py', 'default_runtime.py']

default_hooks = dict(checkpoint=dict(interval=10))
custom_hooks = []
