# The small network without labels on the synthetic scenes.
#     python tools/train.py configs/flow/uflow_small_scenes.py
_base_ = ['uflow_scenes.py']

model = dict(network='small')
optim_wrapper = dict(optimizer=dict(lr=2e-4), clip_grad=dict(max_norm=1.0))
