"""What holds for every estimator: frozen, float32, invisible to training and checkpoints."""

import copy

import pytest
import torch
from torch import nn

from poodle_mm.flow import CachedFlow, DISFlow, FlowEstimator, RAFTFlow, UFlow
from poodle_mm.registry import MODELS


class Probe(FlowEstimator):
    """Tells what it was called with; its flow is the constant (1, 2) and its negative."""

    def estimate(self, a, b, samples):
        self.seen = dict(
            dtype=a.dtype,
            autocast=torch.is_autocast_enabled(a.device.type),
            grad=torch.is_grad_enabled(),
            shape=tuple(a.shape),
            samples=samples,
            low=float(a.min()),
            high=float(a.max()),
        )
        flow = a.new_tensor([1.0, 2.0])[:, None, None].expand(len(a), 2, *a.shape[-2:])
        return flow, -flow


class Model(nn.Module):
    def __init__(self, estimator: FlowEstimator) -> None:
        super().__init__()
        self.layer = nn.Linear(2, 2)
        self.flow = estimator


@pytest.mark.parametrize('dtype', [torch.float32, torch.float64, torch.bfloat16])
def test_runs_in_float32_without_gradient_and_outside_autocast(dtype):
    probe = Probe()
    a = torch.rand(1, 3, 16, 16, dtype=dtype, requires_grad=True)
    with torch.autocast('cpu', dtype=torch.bfloat16):
        flow_ab, flow_ba = probe(a, a, ['sample'])
        assert torch.is_autocast_enabled('cpu')
    assert probe.seen['dtype'] == torch.float32
    assert not probe.seen['autocast']
    assert not probe.seen['grad']
    assert probe.seen['samples'] == ['sample']
    assert flow_ab.dtype == flow_ba.dtype == torch.float32
    assert not flow_ab.requires_grad


def test_flow_is_rescaled_from_the_working_size():
    probe = Probe(size=(8, 20))
    a, b = torch.rand(2, 3, 3, 24, 40)
    flow_ab, flow_ba = probe(a, b)
    assert probe.seen['shape'] == (3, 3, 8, 20)
    assert probe.seen['low'] >= 0 and probe.seen['high'] <= 1
    expected = torch.tensor([1.0 * 40 / 20, 2.0 * 24 / 8])[:, None, None].expand(3, 2, 24, 40)
    torch.testing.assert_close(flow_ab, expected)
    torch.testing.assert_close(flow_ba, -expected)


def test_rescaled_flow_keeps_its_place():
    """A linear flow field read at half size stays the same linear field, apart from the border."""

    class Ramp(FlowEstimator):
        def estimate(self, a, b, samples):
            height, width = a.shape[-2:]
            u = torch.arange(width).expand(height, width).float()
            v = torch.arange(height)[:, None].expand(height, width).float()
            flow = torch.stack([u, v])[None]
            return flow, flow

    a = torch.rand(1, 3, 16, 16)
    flow, _ = Ramp(size=(8, 4))(a, a)
    # Pixel u of 16 has its centre at u_small = (u + 0.5) / 4 - 0.5; 1 small pixel = 4 pixels.
    assert flow[0, 0, 5, 6] == pytest.approx(((6 + 0.5) / 4 - 0.5) * 4)
    assert flow[0, 1, 5, 6] == pytest.approx(((5 + 0.5) / 2 - 0.5) * 2)


@pytest.mark.parametrize('size', [(8,), (0, 8), (8, 8, 8)])
def test_refuses_a_size_that_is_none(size):
    with pytest.raises(ValueError, match='size is'):
        Probe(size=size)


@pytest.mark.parametrize('shapes', [((1, 3, 8, 8), (1, 3, 8, 9)), ((3, 8, 8), (3, 8, 8))])
def test_refuses_images_that_are_no_pairs(shapes):
    with pytest.raises(ValueError, match=r'\(B, 3, H, W\)'):
        Probe()(*(torch.rand(shape) for shape in shapes))


@pytest.mark.parametrize('used_before', [False, True])
@pytest.mark.parametrize(
    'estimator',
    [
        dict(type='DISFlow', preset='fast'),
        dict(type='RAFTFlow', arch='small', weights=None, num_updates=1),
        dict(type='CachedFlow', fallback=dict(type='RAFTFlow', arch='small', weights=None)),
    ],
    ids=lambda cfg: cfg['type'],
)
def test_nothing_to_train_or_to_save(estimator, used_before):
    model = Model(MODELS.build(estimator))
    net = model.flow.fallback if estimator['type'] == 'CachedFlow' else model.flow
    if used_before and estimator['type'] != 'DISFlow':
        assert sum(p.numel() for p in net.net.parameters()) > 9e5
    assert sorted(model.state_dict()) == ['layer.bias', 'layer.weight']
    assert sorted(dict(model.named_parameters())) == ['layer.bias', 'layer.weight']
    assert not list(model.buffers())
    model.load_state_dict({'layer.bias': torch.ones(2), 'layer.weight': torch.ones(2, 2)})
    copy.deepcopy(model)


def test_network_stays_in_eval_mode_and_float32():
    model = Model(RAFTFlow('small', weights=None, num_updates=1))
    net = model.flow.net
    model.train()
    model.half()
    model.requires_grad_(True)
    assert not any(module.training for module in net.modules())
    assert all(p.dtype == torch.float32 and not p.requires_grad for p in net.parameters())


def test_registry_names_the_unknown_type():
    with pytest.raises(KeyError, match=r'RAFTFlw is not in the poodle_mm::model registry'):
        MODELS.build(dict(type='RAFTFlw'))


def test_public_names():
    for cls in (DISFlow, RAFTFlow, UFlow, CachedFlow):
        assert MODELS.get(cls.__name__) is cls
