"""Masks of blocks: how many patches, which ones, and what they depend on."""

import numpy as np
import pytest
import torch

from poodle_mm.datasets.transforms import BlockMasks


def masks(transform: BlockMasks, number: int) -> torch.Tensor:
    """(number, views, h, w) float masks of as many seeds."""
    return torch.stack([transform.transform(dict(seed=s))['mask'] for s in range(number)]).float()


def test_every_patch_is_masked_at_times_also_at_the_edges():
    drawn = masks(BlockMasks((8, 10), ratios=((0.4, 0.0),), min_patches=4), 200)
    assert (drawn.flatten(2).sum(2) == 32).all()
    often = drawn.mean((0, 1))
    corners = often[[0, 0, -1, -1], [0, -1, 0, -1]]
    assert corners.min() > 0.05
    torch.testing.assert_close(often, often.flip(0, 1), atol=0.15, rtol=0)


@pytest.mark.parametrize('size', [(1, 4), (2, 2), (3, 3), (7, 7)])
def test_any_share_of_any_map_is_covered(size):
    for share in (0.0, 0.5, 0.9):
        drawn = masks(BlockMasks(size, views=1, ratios=((share, 0.0),)), 5)
        assert (drawn.flatten(2).sum(2) == int(share * size[0] * size[1])).all()


def test_a_mask_depends_on_the_seed_alone():
    transform, before = BlockMasks((6, 6)), np.random.get_state()[1].copy()  # noqa: NPY002
    first = masks(transform, 3)
    torch.manual_seed(1)
    assert torch.equal(first, masks(transform, 3))
    assert (np.random.get_state()[1] == before).all()  # noqa: NPY002
