# UFlow without labels on KITTI 2015's multiview frames, 10 a second: the first part of the authors' recipe.
#     python tools/train.py configs/flow/uflow_kitti.py
# data/kitti2015/testing/image_2/000000_00.png ... 000199_20.png: the testing part, so that the 200 pairs with
# ground truth are never seen. 16 pairs a step, 200 passes over 4,000 pairs. Not run here.
# As the authors' code has it: SSIM and no census, occlusion after 4 of 200 epochs, self-supervision after 80,
# a ramp of 5. UFlow's own: model.weights=dict(census=1., ssim=0.).
_base_ = ['../_base_/flow_training.py']

model = dict(
    weights=dict(census=0.0, ssim=1.0, smooth2=2.0, selfsup=0.6),
    occlusion=dict(kind='forward_backward', alpha1=0.01, alpha2=0.5, begin=0.02),
    selfsup=dict(begin=0.4, ramp=0.025, crop=(64, 128)),
    data_preprocessor=dict(hue=(0.0, 0.5)),
)
train_dataloader = dict(
    dataset=dict(
        type='FramePairDataset',
        data_root='data/kitti2015',
        data_prefix=dict(path='testing/image_2'),
        source='frames',
        fps=10,
        delta=1,
        delta_unit='frames',
        pipeline=[
            # whole frames, squeezed from 3.3:1 to 2:1 as UFlow squeezes them to a square
            dict(type='PairRandomCrop', area=(1.0, 1.0), size=(256, 512)),
            dict(type='PackFramePair'),
        ],
    ),
)
train_cfg = dict(max_iters=50000)
