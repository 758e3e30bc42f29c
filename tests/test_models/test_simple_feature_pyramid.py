"""Simple feature pyramid: sizes, ViTDet's layers, the decoder on top."""

import pytest
import torch

from poodle_mm.models import SimpleFeaturePyramid


def build(**options) -> SimpleFeaturePyramid:
    torch.manual_seed(0)
    return SimpleFeaturePyramid(**dict(in_channels=32, patch_size=16, out_channels=16) | options)


@pytest.mark.parametrize('size', [(6, 10), (5, 7)])
def test_strides_of_the_maps(size):
    maps = build()((torch.zeros(1, 3, 2, 2), torch.randn(2, 32, *size)))
    rows, columns = size
    expected = [(4 * rows, 4 * columns), (2 * rows, 2 * columns), size]
    expected.append((-(-rows // 2), -(-columns // 2)))
    assert [tuple(m.shape) for m in maps] == [(2, 16, *each) for each in expected]


def test_every_place_sees_the_cell_it_covers_and_its_neighbours_alone():
    """Of stride 4 under a patch of 16: 4 x 4 places a cell, and a 3 x 3 convolution after it."""
    pyramid = build().eval()
    feats = torch.randn(1, 32, 5, 5)
    changed = feats.clone()
    changed[..., 2, 2] += 1
    fine, _, same, coarse = (
        (a - b).abs().sum((0, 1)) > 1e-7
        for a, b in zip(pyramid((feats,)), pyramid((changed,)), strict=True)
    )
    rows, columns = fine.nonzero().unbind(1)
    assert (rows.min(), rows.max(), columns.min(), columns.max()) == (7, 12, 7, 12)
    assert same.nonzero().amin(0).tolist() == [1, 1] and same.nonzero().amax(0).tolist() == [3, 3]
    assert coarse.shape == (3, 3)


def test_maps_are_normalised_over_their_channels():
    for level in build()((100 * torch.randn(2, 32, 6, 6),)):
        torch.testing.assert_close(level.mean(1), torch.zeros_like(level[:, 0]), atol=1e-4, rtol=0)
        torch.testing.assert_close(
            level.var(1, correction=0), torch.ones_like(level[:, 0]), atol=0.01, rtol=0
        )


def test_the_decoder_gives_one_map_of_the_finest_stride():
    pyramid = build(strides=(8, 16, 32), decoder=dict(lateral=None))
    maps = pyramid((torch.randn(2, 32, 5, 7),))
    assert [tuple(m.shape) for m in maps] == [(2, 16, 10, 14)]
    maps[0].sum().backward()
    used = {name for name, p in pyramid.named_parameters() if p.grad is not None}
    # without laterals only the coarsest level counts
    assert {name.split('.')[1] for name in used if name.startswith('levels')} == {'2'}


def test_refusals():
    with pytest.raises(ValueError, match='power of two'):
        build(strides=(12,))
    with pytest.raises(ValueError, match='ascend'):
        build(strides=(8, 4))
    with pytest.raises(ValueError, match=r'neck\.in_channels'):
        build()((torch.randn(1, 31, 4, 4),))
