"""The reference numbers, and both recipes' networks to compare with them."""

import os
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
from mmengine.config import Config
from torch import Tensor, nn

from poodle_mm.registry import MODELS
from tests.test_parity.filler import fill


@pytest.fixture(scope='session')
def parity(repo) -> dict[str, Tensor]:
    """Arrays of ``parity.npz``, in ``oracles`` beside the test data; skips without."""
    root = Path(os.environ.get('POODLE_TEST_DATA', repo.parent / 'shared' / 'data'))
    file = root.parent / 'oracles' / 'parity.npz'
    if not file.is_file():
        pytest.skip(f'no reference numbers of the released code at {file}')
    with np.load(file) as arrays:
        return {key: torch.from_numpy(np.asarray(arrays[key])) for key in arrays.files}


@pytest.fixture(scope='session')
def network(repo) -> Callable[[str], nn.Module]:
    """The network of a recipe, ``'paper'`` or ``'release'``, freshly filled and in train mode."""
    built = {}

    def get(recipe: str) -> nn.Module:
        if recipe not in built:
            suffix = '_release' if recipe == 'release' else ''
            cfg = Config.fromfile(repo / 'configs' / f'poodle_r50_bdd{suffix}.py').model.to_dict()
            built[recipe] = MODELS.build(cfg | dict(data_preprocessor=None, channels_last=False))
        built[recipe].zero_grad(set_to_none=True)
        return fill(built[recipe].train())

    return get


def bits(mask: Tensor) -> Tensor:
    """Masks that were packed along the width, as bool."""
    return torch.from_numpy(np.unpackbits(mask.numpy(), axis=-1)).bool()


def distance(ours: Tensor, theirs: Tensor) -> float:
    """Norm of the difference, relative to the reference's."""
    return float((ours.detach() - theirs).norm() / theirs.norm())


def flows(parity: dict[str, Tensor]) -> dict[str, Tensor]:
    """(2, 2, H, W) flows, t to t+Δ and back."""
    size = parity['frames'].shape[-2:]
    constant = parity['flow_const'][:, :, None, None].expand(2, 2, *size).contiguous()
    return dict(zero=torch.zeros(2, 2, *size), const=constant, smooth=parity['flow_smooth'])
