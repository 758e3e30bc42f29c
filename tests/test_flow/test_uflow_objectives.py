"""Each objective of UFlow's training on cases worked by hand."""

import math

import pytest
import torch

from poodle_mm.flow.uflow.objectives import (
    census_loss,
    centre_crop,
    distillation_loss,
    endpoint_loss,
    other,
    ssim_loss,
    visibility,
)


def constant(du: float, dv: float, size=(8, 12), batch: int = 1) -> torch.Tensor:
    return (
        torch.tensor([du, dv], dtype=torch.float32)[None, :, None, None]
        .expand(batch, 2, *size)
        .clone()
    )


def test_other_turns_both_directions_round():
    assert other(torch.tensor([1, 2, 3, 4])).tolist() == [3, 4, 1, 2]


@pytest.mark.parametrize('kind', ['forward_backward', 'wang', None])
def test_visible_is_what_lands_and_is_not_covered(kind):
    """A square of 4 x 4 moves 3 to the right over what rests."""
    flow = torch.zeros(2, 2, 10, 16)
    flow[0, 0, 3:7, 4:8] = 3
    flow[1, 0, 3:7, 7:11] = -3
    flow[0, 0, 0, 15] = 5  # leaves the frame
    mask = visibility(flow.requires_grad_(), kind)
    expected = torch.ones(2, 10, 16)
    expected[0, 0, 15] = 0
    if kind:
        expected[0, 3:7, 8:11] = 0  # covered by the square
        expected[1, 3:7, 4:7] = 0  # uncovered by it
    if kind == 'wang':
        expected[1, 0, 15] = 0  # nothing comes there, as the corner's own flow leads out
    elif kind:
        expected[1, 0, 15] = 0  # the way back reads a flow of 5
    assert not mask.requires_grad
    assert torch.equal(mask, expected)


def test_equal_images_cost_what_the_penalty_has_at_zero():
    images = torch.rand(2, 3, 16, 20, generator=torch.Generator().manual_seed(0))
    mask = torch.ones(2, 16, 20)
    assert census_loss(images, images, mask) == pytest.approx(0.01**0.4, rel=1e-5)
    assert ssim_loss(images, images, mask) == pytest.approx(0, abs=1e-6)
    assert census_loss(images, images, 0 * mask) == ssim_loss(images, images, 0 * mask) == 0


@pytest.mark.parametrize('loss', [census_loss, ssim_loss])
def test_masked_pixels_cost_nothing(loss):
    generator = torch.Generator().manual_seed(0)
    images, warped = torch.rand(2, 2, 3, 20, 40, generator=generator)
    warped[..., :20] = images[..., :20]
    mask = torch.ones(2, 20, 40)
    everything = loss(images, warped, mask)
    mask[..., 16:] = 0
    assert loss(images, warped, mask) < 0.5 * everything
    assert loss(images, warped, 1 - mask) > everything


def test_endpoint_error_by_hand():
    """Truth (6, 8) and 3 cells of 4 pixels to the right: (6, -8), a length of 10."""
    truth = constant(6, 8, (16, 32))
    cells = constant(3, 0, (4, 8))
    assert endpoint_loss([cells], truth, coarse=0.0) == pytest.approx(10, rel=1e-5)
    # half the weight for a level of 8 pixels that says (0, 0): plus 0.5 * 10
    coarse = [constant(0, 0, (2, 4)), cells]
    assert endpoint_loss(coarse, truth, coarse=0.5) == pytest.approx(15, rel=1e-5)


def test_hidden_pixels_count_less():
    """A quarter of the pixels is wrong by 10: at a weight of 0.5 that is 5 / (3 + 0.5)."""
    truth = constant(0, 0, (16, 32))
    truth[..., :8] = torch.tensor([6.0, 8.0])[:, None, None]
    visible = torch.arange(32).expand(1, 16, 32) >= 8
    cells = constant(0, 0, (4, 8))
    loss = endpoint_loss([cells, cells], truth, visible, coarse=1.0, hidden=0.5)
    assert loss == pytest.approx(2 * 5 / 3.5, rel=1e-2)
    assert endpoint_loss([cells, cells], truth, visible, hidden=0.0) < 1e-2


def test_unknown_and_endless_motion_does_not_count():
    truth = constant(6, 8, (16, 32))
    truth[..., :4] = float('nan')
    truth[..., 4:8] = 1000
    flows = [constant(0, 0, (2, 4)).requires_grad_(), constant(0, 0, (4, 8)).requires_grad_()]
    loss = endpoint_loss(flows, truth, coarse=1.0, limit=100.0)
    loss.backward()
    assert loss.item() == pytest.approx(20, rel=1e-5)
    assert all(flow.grad.isfinite().all() for flow in flows)
    assert not flows[0].grad[..., 0].any() and flows[0].grad[..., 1:].all(0).any()


def test_crop_keeps_values_and_the_centre():
    u = torch.arange(12.0).expand(1, 1, 8, 12)
    cropped = centre_crop(u, (2, 3))
    assert cropped.shape == u.shape
    # cell i of the crop is at 3 + (i + 0.5) / 2 - 0.5 of the whole, the outermost at its border
    expected = (3 + (torch.arange(12.0) + 0.5) / 2 - 0.5).clamp(3, 8)
    torch.testing.assert_close(cropped[0, 0, 0], expected)


def test_student_is_taught_where_it_fails_and_the_teacher_does_not():
    """Twelve columns of which six are seen: the crop's flow is twice as long in its cells."""
    sigmas = dict(sigma_student=0.1, sigma_teacher=0.01)
    teacher = torch.cat([constant(1, 0), constant(-1, 0)])
    right = torch.cat([constant(2, 0), constant(-2, 0)])
    margins = (2, 3)
    # what the penalty has at zero, of those that leave the crop
    assert distillation_loss(right, teacher, margins, **sigmas).item() == pytest.approx(1e-3)
    wrong = torch.cat([constant(2, 0), constant(1, 0)]).requires_grad_()
    # both directions miss by 3 cells or leave the crop, so that at least
    # 1 - exp(-9 / (0.1 * sqrt(8² + 12²))²) = 0.987 of both: the mean over u and v of the errors
    # (0, 0) and (3, 0)
    loss = distillation_loss(wrong, teacher, margins, **sigmas)
    assert loss.item() == pytest.approx((0.001 + (math.hypot(3, 1e-3) + 1e-3) / 2) / 2, rel=1e-3)
    loss.backward()
    assert wrong.grad[1].any()
    # the teacher's way is inside of the image, the student's leads out of the crop: there, and
    # only there, it is taught, though there and back agree
    late = torch.cat([constant(2.1, 0), constant(-2.1, 0)]).requires_grad_()
    distillation_loss(late, teacher, margins, **sigmas).backward()
    assert late.grad[0, 0, :, 9:].all() and not late.grad[0, 0, :, :9].any()
    assert late.grad[1, 0, :, :3].all() and not late.grad[1, 0, :, 3:].any()
    doubtful = torch.cat([constant(1, 0), constant(1, 0)])
    assert distillation_loss(wrong, doubtful, margins, **sigmas) == 0
