"""The fake device itself: what raises, what counts, and its walk backward against torch's."""

import pytest
import torch
from torch import nn
from torch._subclasses.fake_tensor import DynamicOutputShapeException

from tests.test_cuda_path.fake_cuda import backward, fake_cuda


def test_two_devices_raise():
    with fake_cuda():
        x = torch.ones(3, device='cuda')
        with pytest.raises(RuntimeError, match='two different devices'):
            x + torch.ones(3)


@pytest.mark.parametrize('operation', [torch.nonzero, torch.unique, lambda x: x[x > 0]])
def test_shapes_that_depend_on_data_raise(operation):
    with fake_cuda(), pytest.raises(DynamicOutputShapeException):
        operation(torch.ones(3, device='cuda'))


@pytest.mark.parametrize(
    'operation, waits',
    [
        (lambda x: x.sum().item(), 1),
        (lambda x: bool((x > 0).all()), 1),
        (lambda x: x.tolist(), 3),
        (lambda x: x.cpu(), 1),
        (lambda x: x.new_tensor([1.0]), 1),
        (lambda x: torch.tensor([1.0], device=x.device), 1),
        (lambda x: torch.ones(3).to(x.device), 1),
        (lambda x: x.copy_(torch.ones(3)), 1),
        (lambda x: x[torch.tensor([0, 2])], 1),
        (lambda x: torch.ones(3).to(x.device, non_blocking=True), 0),
        (lambda x: torch.ones(3, device=x.device), 0),
        (lambda x: x * 2 + torch.arange(3, device=x.device), 0),
        (lambda x: torch.ones(3).tolist(), 0),
    ],
)
def test_waits_are_counted(operation, waits):
    with fake_cuda() as device:
        x = torch.ones(3, device='cuda')
        operation(x)
    assert device.waits.total() == waits


def test_memory_is_counted():
    with fake_cuda() as device:
        x = torch.ones(1000, device='cuda')
        y = x[:10] + 1
        assert device.live == 4040
        del x, y
        torch.ones(5, device='cuda')
    assert (device.live, device.peak) == (0, 4040)


def test_the_cpu_stays_real():
    with fake_cuda():
        generator = torch.Generator().manual_seed(3)
        values = torch.rand(4, generator=generator).tolist()
    assert values == torch.rand(4, generator=torch.Generator().manual_seed(3)).tolist()


class Square(torch.autograd.Function):
    """A function of Python, with an argument that is no tensor."""

    @staticmethod
    def forward(ctx, x, factor):
        ctx.save_for_backward(x)
        ctx.factor = factor
        return factor * x * x

    @staticmethod
    def backward(ctx, grad):
        return 2 * ctx.factor * ctx.saved_tensors[0] * grad, None


def test_the_walk_backward_equals_torchs():
    torch.manual_seed(0)
    model = nn.Sequential(nn.Conv2d(2, 4, 3), nn.BatchNorm2d(4), nn.ReLU(inplace=True))
    x = torch.randn(3, 2, 6, 6)
    grads = []
    for run in (torch.Tensor.backward, backward):
        y = model(x)
        first, second = y.unbind(1)[:2]
        both = (Square.apply(first, 3.0) * second).mean() + y.mean((2, 3)).norm() + first.sum()
        run(both)
        grads.append([p.grad for p in model.parameters()])
        model.zero_grad(set_to_none=True)
    torch.testing.assert_close(*grads)
