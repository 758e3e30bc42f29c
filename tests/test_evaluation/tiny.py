"""Readouts and checkpoints that take a second."""

from dataclasses import replace
from pathlib import Path

import torch
from mmengine.registry import init_default_scope

from poodle_mm.checkpoints import read_checkpoint
from poodle_mm.evaluation.readout import readout_config
from poodle_mm.registry import MODELS

CONFIGS = Path(__file__).resolve().parents[2] / 'configs' / 'downstream'
BACKBONE = dict(
    type='mmpretrain.ResNet', depth=18, stem_channels=8, base_channels=8, out_indices=(1, 2, 3)
)
NECK = dict(type='SpatialDecoderModule', in_channels=[16, 32, 64])
TEXT = f"""
default_scope = 'poodle_mm'
model = dict(type='PooDLe', backbone=dict({BACKBONE!r}), neck=dict({NECK!r}))
"""


def save_checkpoint(path: Path, drop=(), text: str = TEXT, std: float = 0.1) -> dict:
    """Weights of an encoder and an SDM, online and EMA, as a pretraining saves them."""
    init_default_scope('poodle_mm')
    torch.manual_seed(7)
    state = {}
    for prefix in ('', 'target.module.'):
        for name, cfg in dict(backbone=BACKBONE, neck=NECK).items():
            part = MODELS.build(cfg)
            for parameter in part.parameters():
                torch.nn.init.normal_(parameter, std=std)
            state |= {f'{prefix}{name}.{k}': v for k, v in part.state_dict().items()}
    state['dense_head.projector.weight'] = torch.zeros(1)
    state = {k: v for k, v in state.items() if k not in drop}
    torch.save(dict(meta=dict(cfg=text), state_dict=state), path)
    return state


def build_config(checkpoint, root, work_dir, readout='linear', random=False, **kwargs):
    """A readout of the scenes suite at 64x128."""
    encoder = read_checkpoint(checkpoint)
    if random:
        encoder = replace(encoder, path=None)
    arguments = dict(size=(64, 128), iters=4) | kwargs
    cfg = readout_config(CONFIGS, 'scenes', readout, encoder, work_dir, root, **arguments)
    cfg.train_dataloader.batch_size = 2
    cfg.log_level = 'ERROR'
    return cfg
