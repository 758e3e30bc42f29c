import pytest
import torch

from poodle_mm.geometry.robust import charbonnier, masked_mean, robust_power


def test_values_by_hand():
    x = torch.tensor([0.0, 0.003, -4.0], dtype=torch.float64)
    expected = torch.tensor([0.004, 0.005, (16 + 1.6e-5) ** 0.5], dtype=torch.float64)
    torch.testing.assert_close(charbonnier(x, 0.004), expected)
    x = torch.tensor([0.0, 0.99, -31.99], dtype=torch.float64)
    expected = torch.tensor([0.01**0.4, 1.0, 4.0], dtype=torch.float64)  # 32 ** 0.4 = 4
    torch.testing.assert_close(robust_power(x), expected)


@pytest.mark.parametrize('penalty', [charbonnier, robust_power])
def test_gradients(penalty):
    x = torch.tensor([0.3, -2.0, 1e-3], dtype=torch.float64, requires_grad=True)
    assert torch.autograd.gradcheck(penalty, x)


def test_mean_is_of_each_sample_and_then_of_the_batch():
    values = torch.tensor([[[1.0, 3.0]], [[5.0, 100.0]]])
    mask = torch.tensor([[[1.0, 1.0]], [[0.5, 0.0]]])
    assert masked_mean(values, mask) == (2 + 5) / 2
    assert masked_mean(values, mask > 0.6) == 2 / 2  # an empty mask counts as 0


def test_what_is_masked_out_has_no_say():
    values = torch.tensor([[[2.0, float('nan'), float('inf')]]], requires_grad=True)
    mask = torch.tensor([[[1.0, 0.0, 0.0]]], requires_grad=True)
    mean = masked_mean(values, mask)
    mean.backward()
    assert mean == 2 and mask.grad is None
    assert values.grad.tolist() == [[[1, 0, 0]]]
