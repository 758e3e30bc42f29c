"""Which parameters decay, against MMEngine's own rules and against AdamW by hand."""

import copy

import pytest
import torch
from mmengine.optim import OptimWrapper, build_optim_wrapper
from mmengine.registry import init_default_scope
from torch import nn

from poodle_mm.engine import MatrixDecayConstructor
from poodle_mm.engine.weight_decay import split_by_decay

FLAT_FREE = dict(bias_decay_mult=0.0, norm_decay_mult=0.0, flat_decay_mult=0.0)


class Small(nn.Module):
    """Kernels, matrices, norms, biases and a factor, out of order on purpose."""

    def __init__(self) -> None:
        super().__init__()
        self.scale = nn.Parameter(torch.tensor([2.0]))
        self.conv = nn.Conv2d(3, 4, 3)
        self.norm = nn.BatchNorm2d(4)
        self.head = nn.Sequential(nn.Linear(4, 5, bias=False), nn.LayerNorm(5), nn.Linear(5, 2))
        self.frozen = nn.Linear(2, 2).requires_grad_(False)

    def forward(self, x):
        x = self.norm(self.conv(x)).mean((2, 3)) * self.scale
        return self.frozen(self.head(x))


@pytest.fixture(autouse=True)
def scope():
    init_default_scope('poodle_mm')


def build(model, constructor='MatrixDecayConstructor', **options):
    options = (
        dict(
            type='OptimWrapper',
            constructor=constructor,
            optimizer=dict(type='AdamW', lr=0.1, weight_decay=0.3, eps=1e-6),
        )
        | options
    )
    return build_optim_wrapper(model, options)


@pytest.fixture
def model():
    torch.manual_seed(0)
    return Small()


def test_two_groups_in_the_order_of_the_parameters(model):
    wrapper = build(model)
    assert type(wrapper) is OptimWrapper and type(wrapper.optimizer) is torch.optim.AdamW
    flat, matrices = wrapper.optimizer.param_groups
    assert (flat['weight_decay'], matrices['weight_decay']) == (0.0, 0.3)
    assert flat['lr'] == matrices['lr'] == 0.1 and flat['eps'] == 1e-6
    names = {id(parameter): name for name, parameter in model.named_parameters()}
    assert [names[id(p)] for p in flat['params']] == [
        'scale',
        'conv.bias',
        'norm.weight',
        'norm.bias',
        'head.1.weight',
        'head.1.bias',
        'head.2.bias',
    ]
    assert [names[id(p)] for p in matrices['params']] == [
        'conv.weight',
        'head.0.weight',
        'head.2.weight',
    ]


def test_scalars_and_biases_of_two_dimensions_do_not_decay():
    """Also what MMEngine's rules leave out: a number has no dimension at all."""
    model = nn.Linear(2, 3)
    model.temperature = nn.Parameter(torch.tensor(0.1))
    model.table = nn.Module()
    model.table.bias = nn.Parameter(torch.zeros(4, 4))
    flat, matrices = split_by_decay(model)
    assert [p.shape for p in flat] == [(3,), (), (4, 4)] and matrices == [model.weight]


def test_frozen_parameters_are_left_out_and_stay(model):
    model.conv.requires_grad_(False)
    wrapper = build(model)
    held = {id(p) for group in wrapper.optimizer.param_groups for p in group['params']}
    expected = {id(p) for p in model.parameters() if p.requires_grad}
    assert held == expected and id(model.frozen.weight) not in held
    before = [model.frozen.weight.clone(), model.conv.weight.clone()]
    wrapper.update_params(model(torch.randn(2, 3, 5, 5)).square().sum())
    assert torch.equal(model.frozen.weight, before[0])
    assert torch.equal(model.conv.weight, before[1])


def test_steps_are_those_of_mmengines_own_constructor(model):
    """Bitwise over three steps: two groups do the same as a group for each parameter."""
    other = copy.deepcopy(model)
    ours = build(model)
    theirs = build(other, 'DefaultOptimWrapperConstructor', paramwise_cfg=FLAT_FREE)
    assert len(ours.optimizer.param_groups) == 2 < len(theirs.optimizer.param_groups)
    generator = torch.Generator().manual_seed(1)
    start = copy.deepcopy(model.state_dict())
    for _ in range(3):
        x = torch.randn(4, 3, 6, 6, generator=generator)
        for wrapper, network in ((ours, model), (theirs, other)):
            wrapper.update_params(network(x).square().mean())
    for name, value in model.named_parameters():
        assert torch.equal(value, other.get_parameter(name)), name
        assert torch.equal(value, start[name]) == name.startswith('frozen')
    # With decay on everything the biases end elsewhere: the test above means something.
    model.load_state_dict(start)
    everything = build(model, 'DefaultOptimWrapperConstructor')
    everything.update_params(model(x).square().mean())
    changed = {n for n, p in model.named_parameters() if not torch.equal(p, other.get_parameter(n))}
    assert 'norm.weight' in changed


def test_decay_without_a_gradient_by_hand():
    """AdamW decays by lr * weight_decay = 0.03 of the value; Adam's part is 0 without gradients."""
    model = nn.Linear(2, 2)
    nn.init.ones_(model.weight), nn.init.ones_(model.bias)
    wrapper = build(model)
    for parameter in model.parameters():
        parameter.grad = torch.zeros_like(parameter)
    wrapper.step()
    torch.testing.assert_close(model.weight, torch.full((2, 2), 0.97))
    assert torch.equal(model.bias, torch.ones(2))


def test_lars_by_hand():
    """Kernels at eta |w| / |g + decay| of the rate, with decay; biases at the rate, without."""
    model = nn.Linear(2, 2)
    nn.init.ones_(model.weight), nn.init.ones_(model.bias)
    optimizer = dict(type='mmpretrain.LARS', lr=0.5, weight_decay=0.25, momentum=0.9)
    wrapper = build(model, 'LARSConstructor', optimizer=optimizer)
    flat, matrices = wrapper.optimizer.param_groups
    assert flat['lars_exclude'] and 'lars_exclude' not in matrices
    for parameter in model.parameters():
        parameter.grad = torch.full_like(parameter, 3.0)
    wrapper.step()
    # |w| = 2, |g| = 6: 0.001 * 2 / (6 + 0.25 * 2) of the rate, on a step of 3 + 0.25
    adapted = 0.5 * 0.001 * 2 / 6.5
    torch.testing.assert_close(model.weight, torch.full((2, 2), 1 - adapted * 3.25))
    torch.testing.assert_close(model.bias, torch.full((2,), 1 - 0.5 * 3.0))


def test_options_of_the_wrapper_arrive(model):
    wrapper = build(model, clip_grad=dict(max_norm=1.0), accumulative_counts=2)
    assert wrapper.clip_grad_kwargs == dict(max_norm=1.0) and wrapper._accumulative_counts == 2
    half = build(model, type='BFloat16OptimWrapper')
    assert type(half).__name__ == 'BFloat16OptimWrapper'
    options = dict(optimizer=dict(type='SGD', lr=0.1, weight_decay=0.1))
    assert type(MatrixDecayConstructor(options)(model)) is OptimWrapper  # the default type


def test_a_wrapped_model_has_the_same_groups(model):
    wrapped = nn.Module()
    wrapped.module = model
    for one, other in zip(*(build(m).optimizer.param_groups for m in (model, wrapped))):
        assert all(a is b for a, b in zip(one['params'], other['params'], strict=True))
    wrapped.beside = nn.Linear(2, 2)  # nothing is lost where ``module`` is a part like others
    held = [p for group in build(wrapped).optimizer.param_groups for p in group['params']]
    assert {id(p) for p in held} == {id(p) for p in wrapped.parameters() if p.requires_grad}


def test_paramwise_cfg_is_refused(model):
    message = 'paramwise_cfg.*DefaultOptimWrapperConstructor'
    with pytest.raises(ValueError, match=message):
        build(model, paramwise_cfg=dict(norm_decay_mult=0.0))
    assert len(build(model, paramwise_cfg=None).optimizer.param_groups) == 2
