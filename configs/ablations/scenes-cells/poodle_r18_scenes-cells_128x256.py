# The authors' ablation config in the paper's counts of cells, on synthetic driving scenes of 720x1280: crops of 0.04
# to 0.11 of a frame, as many of its pixels to a cell as the paper's, frames half a second apart, the release recipe
# without affine and flip.
#     python tools/make_scenes.py data/scenes720 --train 160 --val 24 --test 32 --size 720 1280 --fps 10 --seconds 2 \
#         --labelled 2
_base_ = ['../../_base_/cells_r18.py']

# None, spelt out: overlays change it.
model = dict(data_preprocessor=dict(affine=dict(scale=(1, 1), angle=(0, 0), flip_prob=0)))
train_dataloader = dict(
    dataset=dict(
        type='FramePairDataset',
        data_root='data/scenes720',
        data_prefix=dict(path='videos/train'),
        source='videos',
        delta=0.5,
        delta_unit='seconds',
        pipeline=[
            # 136 to 228 of 720 rows
            dict(type='PairRandomCrop', scale=(0.75, 1.25), short_side=540, size=(128, 256)),
            dict(type='PackFramePair'),
        ],
    ),
)
