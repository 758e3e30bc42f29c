"""Colours of features, by hand."""

import numpy as np
import pytest
import torch

from poodle_mm.visualization.pca import feature_pca


def test_pca_finds_the_planted_components():
    """Three orthogonal directions with variances 9 : 4 : 1 become red, green and blue."""
    generator = torch.Generator().manual_seed(1)
    scores = torch.rand(3, 2 * 8 * 16, generator=generator) * torch.tensor([[3.0], [2], [1]])
    directions = torch.linalg.qr(torch.randn(10, 3, generator=generator))[0]
    strongest = directions.gather(0, directions.abs().argmax(0, keepdim=True))
    directions = directions * strongest.sign()
    features = (directions @ scores).view(10, 2, 8, 16).transpose(0, 1)
    colours = np.stack(feature_pca(features))
    assert colours.shape == (2, 8, 16, 3) and colours.dtype == np.uint8
    for channel in range(3):
        found = colours[..., channel].reshape(-1).astype(float)
        assert np.corrcoef(found, scores[channel].numpy())[0, 1] > 0.97
        assert found.min() == 0 and found.max() == 255
    assert np.array_equal(feature_pca(features * 1000 + 7), colours)


def test_pca_is_repeatable_and_leaves_the_generator_alone():
    features = torch.randn(2, 64, 8, 16)
    torch.manual_seed(3)
    state = torch.get_rng_state()
    first = feature_pca(features)
    assert torch.equal(torch.get_rng_state(), state)
    torch.manual_seed(4)
    assert np.array_equal(feature_pca(features), first)


def test_maps_of_any_size_share_their_components():
    """As if their vectors lay in one map."""
    maps = [torch.randn(8, 4, 6), torch.randn(8, 2, 3)]
    found = feature_pca(maps)
    assert [colours.shape for colours in found] == [(4, 6, 3), (2, 3, 3)]
    (joint,) = feature_pca([torch.cat([m.flatten(1) for m in maps], dim=1)[:, None]])
    assert np.array_equal(np.concatenate([c.reshape(-1, 3) for c in found]), joint[0])


@pytest.mark.parametrize('channels', [1, 2, 5])
def test_pca_of_constant_features_is_grey(channels):
    features = torch.randn(channels).view(1, -1, 1, 1).expand(2, channels, 4, 4)
    assert np.unique(feature_pca(features)).tolist() == [128]
