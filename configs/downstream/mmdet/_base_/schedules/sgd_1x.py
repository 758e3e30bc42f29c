# As FlowE's paper publishes it, which is MMDetection's 1x schedule: 12 epochs of SGD 0.02, x0.1 at epochs 8 and 11,
# batches of 16 images (--auto-scale-lr for others). Momentum, weight decay and warm-up are MMDetection's (ours).
_base_ = 'mmdet::_base_/schedules/schedule_1x.py'
