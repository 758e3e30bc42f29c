"""Measures of flow on cases worked by hand."""

import math

import pytest
import torch

from poodle_mm.evaluation.flow.measures import (
    endpoint_error,
    is_outlier,
    self_measures,
    summarise,
    true_measures,
    warp_error,
)


def constant(du: float, dv: float, size=(8, 16)) -> torch.Tensor:
    return torch.tensor([du, dv], dtype=torch.float32)[None, :, None, None].expand(1, 2, *size)


def test_endpoint_error_and_outliers():
    """KITTI: wrong by more than 3 pixels and by more than 5 %."""
    truth = constant(100, 0)
    for du, outlier in ((103.0, False), (104.9, False), (105.1, True), (94.0, True)):
        error = endpoint_error(constant(du, 0), truth)
        assert error[0, 0, 0] == pytest.approx(abs(du - 100), abs=1e-4)
        assert is_outlier(error, truth).all() == is_outlier(error, truth).any() == outlier
    assert not is_outlier(torch.full((1, 1, 1), 2.9), constant(1, 0, (1, 1))).any()


def test_warp_of_the_true_motion_is_free():
    b = torch.rand(1, 3, 8, 16, generator=torch.Generator().manual_seed(0))
    a = b.roll(-2, -1)  # what a shows at u, b shows at u + 2
    assert warp_error(a, b, constant(2, 0)) == pytest.approx(0, abs=1e-3)
    assert warp_error(a, b, constant(0, 0)) > 40
    expected = 255 * (a - b).abs().mean(1)
    mask = torch.zeros(1, 8, 16, dtype=torch.bool)
    mask[0, 3, 4:6] = True
    found = warp_error(a, b, constant(0, 0), mask)
    assert found == pytest.approx(expected[mask].mean().item(), rel=1e-5)
    assert math.isnan(warp_error(a, b, constant(0, 0), mask & False))


def test_what_flow_says_of_itself():
    a = b = torch.zeros(1, 3, 8, 16)
    found = self_measures(a, b, constant(4, 0), constant(-4, 0.5))
    # 12 of 16 columns land inside; a miss of 0.5 pixels is within the tolerance
    assert found['valid'] == pytest.approx(12 / 16)
    assert found['fb'] == pytest.approx(0.5)
    assert found['warp'] == found['warp_inside'] == 0
    found = self_measures(a, b, constant(4, 0), constant(4, 0))
    assert found['valid'] == 0 and found['fb'] == 8 and math.isnan(found['warp'])
    found = self_measures(a, b, constant(100, 0), constant(4, 0))
    assert found['valid'] == 0 and math.isnan(found['fb'])


def test_against_truth_by_hand():
    """Half of the pixels wrong by 4, a quarter of all unknown, the last columns hidden."""
    truth, flow = constant(0, 0).clone(), constant(0, 0).clone()
    flow[..., :8] = torch.tensor([0.0, 4.0])[:, None, None]
    known = torch.ones(1, 8, 16, dtype=torch.bool)
    known[..., :4] = False
    visible = torch.ones_like(known)
    visible[..., 12:] = False
    visible[..., 6:8] = False
    back = torch.zeros_like(flow)  # so that the wrong half seems occluded
    found = summarise(true_measures(flow, back, truth, known, visible))
    assert found['epe'] == pytest.approx(4 * 4 / 12)
    assert found['fl'] == pytest.approx(4 / 12)
    assert found['epe_visible'] == pytest.approx(2 * 4 / 6)
    assert found['epe_hidden'] == pytest.approx(2 * 4 / 6)
    # found: columns 4 to 7; hidden: 6, 7 and 12 to 15; both: 6, 7
    assert found['occlusion_f1'] == pytest.approx(2 * 2 / (4 + 6))


def test_unknown_visibility():
    flow = constant(1, 0)
    known = torch.ones(1, 8, 16, dtype=torch.bool)
    assert set(summarise(true_measures(flow, flow, flow, known, None))) == {'epe', 'fl'}
    nothing = summarise(true_measures(flow, flow, flow, known & False, None))
    assert all(math.isnan(value) for value in nothing.values())
