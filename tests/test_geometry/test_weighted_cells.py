"""Draws by a density: uniform where it is, and in the density's proportions elsewhere."""

import pytest
import torch

from poodle_mm.geometry.weighted_cells import cell_density, weighted_order, weighted_positions


def rand(*shape, seed=0):
    return torch.rand(shape, generator=torch.Generator().manual_seed(seed))


def test_density_is_the_mixture_of_weights_and_uniform():
    """By hand: one of 2 x 3 cells of 2 x 2 bins holds all weight, three quarters in one bin."""
    weights = torch.zeros(1, 8, 12)
    weights[0, 4:6, 4:6], weights[0, 4:6, 6:8] = 3.0, 1.0
    density = cell_density(weights, (2, 3), bins=2, share=0.6)
    assert density.shape == (1, 6, 2, 2)
    assert density.sum().item() == pytest.approx(1)
    uniform = 0.4 / 24
    expected = torch.full((6, 2, 2), uniform)
    expected[4] += torch.tensor([[0.45, 0.15], [0, 0]])  # row 1, column 1; its upper two bins
    torch.testing.assert_close(density[0], expected)
    none = cell_density(torch.zeros(1, 8, 12), (2, 3), bins=2, share=0.6)
    torch.testing.assert_close(none, torch.full((1, 6, 2, 2), 1 / 24))


def test_with_equal_masses_order_and_places_are_the_uniform_ones():
    density = torch.full((2, 15, 4, 4), 1 / 240)
    keys, position = rand(2, 3, 15), rand(2, 3, 15, 5, 2, seed=1)
    assert torch.equal(weighted_order(keys, density), keys.argsort(-1))
    places = weighted_positions(position, density[:, None].expand(-1, 3, -1, -1, -1))
    torch.testing.assert_close(places, position, atol=1e-5, rtol=0)


def test_each_next_cell_is_drawn_by_its_mass_among_those_left():
    mass = torch.tensor([0.5, 0.3, 0.2])
    number = 40_000
    order = weighted_order(rand(number, 1, 3), mass.view(1, 3, 1, 1).expand(number, -1, -1, -1))
    order = order[:, 0]
    assert (order.sort(-1)[0] == torch.arange(3)).all()
    for first in range(3):
        chosen = order[order[:, 0] == first]
        assert len(chosen) / number == pytest.approx(mass[first].item(), abs=0.01)
        for second in {0, 1, 2} - {first}:
            expected = (mass[second] / (1 - mass[first])).item()
            share = (chosen[:, 1] == second).float().mean().item()
            assert share == pytest.approx(expected, abs=0.02)


def test_places_fill_the_bins_by_their_mass_and_evenly_within():
    density = torch.tensor([[0.1, 0.2, 0.0], [0.3, 0.0, 0.1], [0.05, 0.15, 0.1]])
    places = weighted_positions(rand(60_000, 2), density)
    assert (places >= 0).all() and (places <= 1).all()
    bins = (places * 3).long().clamp(max=2)
    found = torch.zeros(3, 3)
    found.index_put_((bins[:, 1], bins[:, 0]), torch.tensor(1 / 60_000), accumulate=True)
    torch.testing.assert_close(found, density, atol=0.008, rtol=0)
    inner = (places[(bins == torch.tensor([0, 1])).all(-1)] * 3).remainder(1)
    assert (inner.mean(0) - 0.5).abs().max() < 0.015
    assert (inner.std(0) - 12**-0.5).abs().max() < 0.015
