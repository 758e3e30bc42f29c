"""Norms of tokens and effective rank, by hand and on known spectra."""

import pytest
import torch

from poodle_mm.geometry.token_statistics import effective_rank, token_norms


def test_norms_by_hand():
    """Tokens of norms 1, 1, 1, 5 and 2, 2, 2, 2: means 2, peaks 5 and 1, one outlier of eight."""
    norms = torch.tensor([[1.0, 1, 1, 5], [2, 2, 2, 2]])
    directions = torch.nn.functional.normalize(torch.randn(2, 6, 4), dim=1)
    maps = (directions * norms[:, None]).view(2, 6, 2, 2)
    found = token_norms(maps)
    assert {k: v.item() for k, v in found.items()} == pytest.approx(
        dict(token_norm=2.0, token_norm_peak=3.0, token_norm_outliers=1 / 8), rel=1e-5
    )
    assert token_norms(maps, factor=6)['token_norm_outliers'] == 0
    larger = token_norms(10 * maps)
    assert larger['token_norm'].item() == pytest.approx(20)
    assert larger['token_norm_peak'].item() == pytest.approx(3, rel=1e-5)


@pytest.mark.parametrize('rank', [1, 3, 8])
@pytest.mark.parametrize('count', [5000, 12])
def test_rank_of_equal_singular_values_is_their_number(rank, count):
    generator = torch.Generator().manual_seed(0)
    centred = torch.randn(count, rank, generator=generator).double()
    basis = torch.linalg.qr(centred - centred.mean(0))[0]
    turn = torch.linalg.qr(torch.randn(16, rank, generator=generator).double())[0]
    vectors = basis @ turn.mT + 7
    assert effective_rank(vectors).item() == pytest.approx(rank, rel=1e-6)
    assert effective_rank(3 * vectors).item() == pytest.approx(rank, rel=1e-6)


def test_rank_by_its_definition_and_of_a_point():
    vectors = torch.randn(50, 6, generator=torch.Generator().manual_seed(1)).double()
    values = torch.linalg.svdvals(vectors - vectors.mean(0))
    shares = values / values.sum()
    expected = (-(shares * shares.log()).sum()).exp().item()
    assert effective_rank(vectors).item() == pytest.approx(expected)
    assert effective_rank(torch.ones(10, 4)) == 0
