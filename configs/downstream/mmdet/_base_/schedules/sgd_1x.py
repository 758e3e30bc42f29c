# MMDetection's 1x schedule: 12 epochs of SGD, batches of 16 images (--auto-scale-lr for others).
# The paper names no schedule for BDD100K detection: this choice is ours.
_base_ = 'mmdet::_base_/schedules/schedule_1x.py'
