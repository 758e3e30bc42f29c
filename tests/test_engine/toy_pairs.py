"""A small run for tests: pairs made in memory with exact flow, a quarter-width ResNet-18.

Configs name this module in ``custom_imports``; subprocesses find it through ``PYTHONPATH``.
"""

from pathlib import Path

import torch
from mmengine.config import Config
from torch.utils.data import Dataset

from poodle_mm.datasets import FramePairSample
from poodle_mm.registry import DATASETS

SIZE = (64, 128)


@DATASETS.register_module(force=True)
class ToyPairs(Dataset):
    """Random textures that move by whole pixels; keys are those of ``PairSampler``."""

    def __init__(self, length: int = 8, repeats: int = 1) -> None:
        self.length = length
        self.repeats = repeats

    def __len__(self) -> int:
        return self.length

    def __getitem__(self, key: tuple[int, int]) -> dict | list[dict]:
        epoch, index = key
        pairs = [self._pair((epoch * 100 + index) * 10 + r) for r in range(self.repeats)]
        return pairs if self.repeats > 1 else pairs[0]

    def _pair(self, seed: int) -> dict:
        generator = torch.Generator().manual_seed(seed)
        texture = torch.randint(0, 256, (3, *SIZE), generator=generator, dtype=torch.uint8)
        shift = int(torch.randint(1, 8, (), generator=generator))
        sample = FramePairSample(
            metainfo=dict(source=f'toy_{seed}', frame_ids=(0, 15), timestamps=(0.0, 0.5), seed=seed)
        )
        flow = torch.zeros(2, 2, *SIZE)
        flow[0, 0], flow[1, 0] = shift, -shift
        sample.flow = flow
        return dict(
            inputs=torch.stack([texture, texture.roll(shift, -1)]),
            data_samples=sample,
        )


def toy_config(work_dir: Path, **overrides) -> Config:
    """Config of 2 epochs of 4 iterations of 2 pairs; ``overrides`` replaces top-level keys."""
    cfg = dict(
        default_scope='poodle_mm',
        custom_imports=dict(imports=['tests.test_engine.toy_pairs']),
        work_dir=str(work_dir),
        model=dict(
            type='PooDLe',
            momentum=0.9,
            data_preprocessor=dict(
                type='FramePairPreprocessor',
                flow=dict(type='CachedFlow'),
                subcrops=dict(num=2, size=32),
            ),
            backbone=dict(
                type='mmpretrain.ResNet',
                depth=18,
                stem_channels=16,
                base_channels=16,
                out_indices=(1, 2, 3),
            ),
            neck=dict(type='SpatialDecoderModule', in_channels=[32, 64, 128]),
            dense_head=dict(
                type='DenseFlowHead', in_channels=128, hidden_channels=32, out_channels=16
            ),
            pooled_head=dict(
                type='PooledHead', in_channels=128, hidden_channels=32, out_channels=16
            ),
        ),
        train_dataloader=dict(
            batch_size=2,
            num_workers=0,
            sampler=dict(type='PairSampler', shuffle=True),
            collate_fn=dict(type='poodle_mm.frame_pair_collate'),
            dataset=dict(type='ToyPairs', length=8),
        ),
        train_cfg=dict(type='EpochBasedTrainLoop', max_epochs=2),
        optim_wrapper=dict(
            type='OptimWrapper', optimizer=dict(type='AdamW', lr=1e-3, weight_decay=0.01)
        ),
        param_scheduler=[
            dict(
                type='CosineAnnealingLR',
                T_max=4,
                by_epoch=True,
                begin=0,
                end=4,
                convert_to_iter_based=True,
            )
        ],
        default_hooks=dict(
            logger=dict(type='LoggerHook', interval=2),
            checkpoint=dict(type='AtomicCheckpointHook', interval=1),
        ),
        custom_hooks=[dict(type='TargetUpdateHook', schedule_epochs=4)],
        visualizer=dict(type='mmengine.Visualizer', vis_backends=[dict(type='LocalVisBackend')]),
        log_level='WARNING',
        randomness=dict(seed=0),
    )
    return Config(cfg | overrides)


def toy_vit() -> dict:
    """Overrides: the toy's model on a ViT of two layers with registers and a pyramid."""
    model = toy_config(Path('unused')).model.to_dict()
    widths = dict(hidden_channels=32, out_channels=16)
    model.update(
        backbone=dict(
            type='VisionTransformer',
            arch=dict(embed_dims=24, num_layers=2, num_heads=2, feedforward_channels=48),
            img_size=32,
            patch_size=8,
            out_type='featmap',
            num_registers=2,
        ),
        neck=dict(
            type='SimpleFeaturePyramid',
            in_channels=24,
            patch_size=8,
            out_channels=16,
            strides=(8, 16),
            decoder={},
        ),
        dense_head=dict(type='DenseFlowHead', in_channels=16, **widths),
        pooled_head=dict(type='PooledHead', in_channels=24, **widths),
    )
    return dict(model=model)


def toy_motion() -> dict:
    """Overrides: subcrops that go to what moves otherwise than its surroundings."""
    model = toy_config(Path('unused')).model.to_dict()
    model['data_preprocessor']['subcrops']['motion'] = dict(residual='ring')
    return dict(model=model)
