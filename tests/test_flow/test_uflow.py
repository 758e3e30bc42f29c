"""UFlow with random and with hand-made weights: no trained weights are needed."""

import copy

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from poodle_mm.flow import UFlow
from poodle_mm.flow.uflow.network import DECODED_LEVELS, UFlowNetwork, warp_features
from poodle_mm.geometry.cost_volume import cost_volume, normalise_features
from poodle_mm.registry import MODELS
from tests.test_geometry.oracles import bilinear


@pytest.fixture(scope='module')
def net() -> UFlowNetwork:
    with torch.random.fork_rng(devices=[]):
        torch.default_generator.manual_seed(0)
        return UFlowNetwork().requires_grad_(False)


@pytest.fixture(scope='module')
def weights(net, tmp_path_factory) -> str:
    path = tmp_path_factory.mktemp('uflow') / 'uflow.pth'
    torch.save(net.state_dict(), path)
    return str(path)


def images(height: int, width: int, batch: int = 1) -> tuple[Tensor, Tensor]:
    generator = torch.Generator().manual_seed(height * width)
    return torch.rand(2, batch, 3, height, width, generator=generator).unbind()


def zeroed(net: UFlowNetwork) -> UFlowNetwork:
    """The same network with heads that say zero."""
    net = copy.deepcopy(net)
    for head in (*(decoder.head for decoder in net.decoders.values()), net.refinement[-1]):
        nn.init.zeros_(head.weight)
        nn.init.zeros_(head.bias)
    return net


def estimator_with(net: nn.Module, size=None) -> UFlow:
    estimator = UFlow('unused', size=size)
    vars(estimator)['net'] = net  # where the cached property keeps it
    return estimator


def constant(flow: tuple[float, float], like: Tensor) -> Tensor:
    return torch.tensor(flow)[:, None, None].expand_as(like)


def test_number_of_parameters(net):
    """A convolution has 9 i o + o parameters.

    Pyramid: 3 -> 32, then 14 times 32 -> 32                    896 + 14 * 9248 =   130 368
    Decoder of level 4: inputs 81 + 32 = 113, dense, so
        113 -> 128, 241 -> 128, 369 -> 96, 465 -> 64, 529 -> 32
        9 (113*128 + 241*128 + 369*96 + 465*64 + 529*32) + 448  = 1 147 264
        head 32 -> 2                                                    578  = 1 147 842
    Levels 3, 2, 1: 34 inputs more for each of 448 outputs,
        1 147 842 + 9 * 34 * 448 = 1 284 930                              x 3 = 3 854 790
    Context to levels 3, 2, 1: 16 * 32 * 32 + 32 = 16 416                 x 3 =    49 248
    Refinement: 34 -> 128 -> 128 -> 128 -> 96 -> 64 -> 32 -> 2
        39 296 + 147 584 + 147 584 + 110 688 + 55 360 + 18 464 + 578        =   519 554
    """
    parts = dict(pyramid=130_368, context_upsamplers=49_248, refinement=519_554)
    parts['decoders'] = 1_147_842 + 3_854_790
    for name, count in parts.items():
        assert sum(p.numel() for p in getattr(net, name).parameters()) == count, name
    assert sum(p.numel() for p in net.parameters()) == 5_701_802
    assert not list(net.buffers())


def test_pyramid(net):
    features = net.encode(images(64, 96)[0])
    assert [tuple(x.shape[1:]) for x in features] == [
        (32, 32, 48),
        (32, 16, 24),
        (32, 8, 12),
        (32, 4, 6),
        (32, 2, 3),
    ]
    layers = [layer for layer in net.pyramid.modules() if isinstance(layer, nn.Conv2d)]
    assert [layer.stride[0] for layer in layers] == [2, 1, 1] * 5
    grey = net.pyramid[0](torch.zeros(1, 3, 64, 96))
    assert torch.equal(net.encode(torch.full((1, 3, 64, 96), 0.5))[0], grey)  # [0, 1] to [-1, 1]


def written_out(weights: dict[str, Tensor], a: Tensor, b: Tensor) -> Tensor:
    """The network once more, for one direction, step by step from its state dict."""

    def conv(x: Tensor, name: str, slope: float = 0.1, **kwargs) -> Tensor:
        kwargs = dict(padding=1) | kwargs
        x = F.conv2d(x, weights[f'{name}.weight'], weights[f'{name}.bias'], **kwargs)
        return torch.where(x > 0, x, slope * x)

    pyramids = []
    for x in (a, b):
        x = (x - 0.5) / 0.5
        pyramids.append([])
        for level in range(5):
            for i in range(3):
                x = conv(x, f'pyramid.{level}.{i}.0', stride=1 if i else 2)
            pyramids[-1].append(x)

    flow = context = None
    for level in (4, 3, 2, 1):
        x, y = (pyramid[level] for pyramid in pyramids)
        before = []
        if flow is not None:
            name = f'context_upsamplers.{level}'
            context = F.conv_transpose2d(
                context, weights[f'{name}.weight'], weights[f'{name}.bias'], stride=2, padding=1
            )
            flow = 2 * F.interpolate(flow, size=x.shape[-2:], mode='bilinear')
            before = [context, flow]
            y = warp_features(y, flow)
        costs = F.leaky_relu(cost_volume(*normalise_features(x, y), 4), 0.1)
        known = torch.cat([*before, costs, x], dim=1)
        for i in range(5):
            context = conv(known, f'decoders.{level}.convs.{i}.0')
            known = torch.cat([known, context], dim=1)
        residual = conv(context, f'decoders.{level}.head', slope=1)
        flow = residual + flow if before else residual

    x = torch.cat([context, flow], dim=1)
    for i, dilation in enumerate((1, 2, 4, 8, 16, 1)):
        x = conv(x, f'refinement.{i}.0', padding=dilation, dilation=dilation)
    return flow + conv(x, 'refinement.6', slope=1)


def test_equals_the_network_written_out(net):
    net = copy.deepcopy(net).double()
    a, b = (x.double() for x in images(64, 96))
    flow_ab, flow_ba = net(a, b)
    torch.testing.assert_close(flow_ab, written_out(net.state_dict(), a, b))
    torch.testing.assert_close(flow_ba, written_out(net.state_dict(), b, a))
    assert flow_ab.abs().max() > 1


def test_zero_heads_mean_no_motion(net):
    flow_ab, flow_ba = estimator_with(zeroed(net))(*images(64, 96, batch=2))
    assert flow_ab.shape == flow_ba.shape == (2, 2, 64, 96)
    assert not flow_ab.any() and not flow_ba.any()


@pytest.mark.parametrize(('height', 'width'), [(64, 96), (70, 130)])
def test_bias_of_the_refinement_is_flow_in_cells_of_four_pixels(net, height, width):
    net = zeroed(net)
    net.refinement[-1].bias.copy_(torch.tensor([1.5, -0.25]))
    feasible = (96, 160) if height == 70 else (height, width)
    expected = (4 * 1.5 * width / feasible[1], 4 * -0.25 * height / feasible[0])
    for flow in estimator_with(net)(*images(height, width)):
        torch.testing.assert_close(flow, constant(expected, flow))
    for flow in estimator_with(net, size=(64, 160))(*images(height, width)):
        expected = (4 * 1.5 * width / 160, 4 * -0.25 * height / 64)
        torch.testing.assert_close(flow, constant(expected, flow))


@pytest.mark.parametrize('level', DECODED_LEVELS)
def test_bias_of_a_level_is_flow_in_its_cells(net, level):
    net = zeroed(net)
    net.decoders[str(level)].head.bias.copy_(torch.tensor([0.5, -0.125]))
    stride = {4: 32, 3: 16, 2: 8, 1: 4}[level]
    for flow in estimator_with(net)(*images(64, 96)):
        torch.testing.assert_close(flow, constant((0.5 * stride, -0.125 * stride), flow))


def read_off_the_costs(net: UFlowNetwork) -> UFlowNetwork:
    """Hand-made weights: each level's flow is the mean displacement weighted with the costs.

    Only displacements up to 2 count. The mean goes through the LeakyReLU in two channels, because
    x = (f(x) - f(-x)) / 1.1.
    """
    net = copy.deepcopy(net)
    for parameter in net.parameters():
        nn.init.zeros_(parameter)
    for level, decoder in net.decoders.items():
        costs = 0 if level == '4' else 34  # after the context and the flow of the coarser level
        last = decoder.convs[-1][0].weight
        for dv in range(-2, 3):
            for du in range(-2, 3):
                channel = costs + (dv + 4) * 9 + du + 4
                last[:4, channel, 1, 1] = torch.tensor([du, -du, dv, -dv], dtype=last.dtype)
        decoder.head.weight[0, :2, 1, 1] = torch.tensor([1, -1]) / 1.1
        decoder.head.weight[1, 2:4, 1, 1] = torch.tensor([1, -1]) / 1.1
    return net


@pytest.mark.parametrize(
    'residuals',
    [
        {4: (1, -1), 3: (1, 0), 2: (0, 0), 1: (0, 0)},
        {4: (0, 0), 3: (0, -1), 2: (1, 0), 1: (0, 0)},
        {4: (0, 0), 3: (0, 0), 2: (0, 0), 1: (2, -1)},
    ],
    ids=['coarse', 'middle', 'fine'],
)
def test_levels_add_up_to_the_motion_of_the_features(net, residuals):
    """Features move by twice the motion of the coarser level, and a residual.

    One of 25 channels is 1; which one repeats every 5 cells. Normalised, a right match has 1 and
    a wrong one -1/31 (-0.1/31 after the LeakyReLU), so that the weighted mean over -2 … 2 is the
    residual to 0.3 %. The zeros that the warp brings in change the moments: hence the tolerance.
    """
    du = dv = 0
    features_a, features_b = [None] * 5, [None] * 5
    for level, residual in residuals.items():
        du, dv = 2 * du + residual[0], 2 * dv + residual[1]
        height, width = 15 * 2 ** (4 - level), 20 * 2 ** (4 - level)
        v, u = torch.meshgrid(torch.arange(height), torch.arange(width), indexing='ij')
        codes = F.one_hot(u % 5 + 5 * (v % 5), 32).permute(2, 0, 1)[None].float()
        features_a[level] = codes
        features_b[level] = codes.roll((dv, du), dims=(2, 3))
    flow = read_off_the_costs(net).decode(features_a, features_b)
    assert flow.shape == (1, 2, 120, 160)
    inner = flow[..., 48:-48, 48:-48]
    torch.testing.assert_close(inner, constant((du, dv), inner).float(), atol=0.15, rtol=0)


def test_warped_features_against_loops():
    generator = torch.Generator().manual_seed(4)
    features = torch.randn(2, 3, 4, 6, generator=generator, dtype=torch.float64)
    flow = 3 * torch.randn(2, 2, 4, 6, generator=generator, dtype=torch.float64)
    warped = warp_features(features, flow)
    for n, v, u in np.ndindex(2, 4, 6):
        du, dv = flow[n, :, v, u].tolist()
        expected = bilinear(features[n].numpy(), u + du, v + dv, border=False)
        np.testing.assert_allclose(warped[n, :, v, u].numpy(), expected, atol=1e-9)


def test_batch_equals_single_pairs(weights):
    estimator = UFlow(weights, size=None)
    a, b = images(64, 96, batch=3)
    a[1] *= 0.1  # moments of one pair must not reach another
    together = estimator(a, b)
    for i in range(3):
        alone = estimator(a[i : i + 1], b[i : i + 1])
        for flows, flow in zip(together, alone):
            torch.testing.assert_close(flows[i], flow[0], rtol=1e-4, atol=1e-4)


def test_swapped_frames_swap_the_flows(weights):
    estimator = UFlow(weights, size=None)
    a, b = images(64, 96, batch=2)
    flow_ab, flow_ba = estimator(a, b)
    assert flow_ab.is_contiguous() and not flow_ab.requires_grad
    assert (flow_ab - flow_ba).abs().max() > 0.1
    swapped_ba, swapped_ab = estimator(b, a)
    torch.testing.assert_close(swapped_ab, flow_ab, rtol=1e-4, atol=1e-4)
    torch.testing.assert_close(swapped_ba, flow_ba, rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize(('height', 'width'), [(50, 70), (64, 65), (20, 90)])
def test_enlarges_to_multiples_of_32(net, weights, height, width):
    a, b = images(height, width)
    feasible = tuple(side + -side % 32 for side in (height, width))
    enlarged = [F.interpolate(x, feasible, mode='bilinear') for x in (a, b)]
    for flow, quarter in zip(UFlow(weights, size=None)(a, b), net(*enlarged)):
        expected = F.interpolate(quarter, (height, width), mode='bilinear')
        scale = [4 * width / feasible[1], 4 * height / feasible[0]]
        expected = expected * constant(scale, expected)
        torch.testing.assert_close(flow, expected, rtol=1e-3, atol=1e-3)


def test_size_sets_the_working_resolution(weights):
    assert UFlow(weights).size == (256, 512)
    a, b = images(128, 128)
    flows = UFlow(weights, size=(64, 96))(a, b)
    small = [F.interpolate(x, (64, 96), mode='bilinear', antialias=True) for x in (a, b)]
    for flow, expected in zip(flows, UFlow(weights, size=None)(*small)):
        expected = F.interpolate(expected, (128, 128), mode='bilinear')
        expected = expected * constant((128 / 96, 128 / 64), expected)
        torch.testing.assert_close(flow, expected, rtol=1e-3, atol=1e-3)


def test_network_refuses_other_sizes(net):
    with pytest.raises(ValueError, match='multiples of 32, got 64 x 65'):
        net(*images(64, 65))


def test_all_weights_get_gradients():
    net = UFlowNetwork()
    flow_ab, flow_ba = net(*images(64, 64))
    (flow_ab.square().mean() + flow_ba.square().mean()).backward()
    for name, parameter in net.named_parameters():
        assert parameter.grad is not None and parameter.grad.isfinite().all(), name
        assert parameter.grad.any(), name


@pytest.mark.parametrize('prefix', ['', 'module.', 'model.net.'])
@pytest.mark.parametrize('whole', [True, False])
def test_reads_plain_and_prefixed_weights(net, tmp_path, prefix, whole):
    state = {prefix + key: value for key, value in net.state_dict().items()}
    path = tmp_path / 'uflow.pth'
    torch.save(dict(state_dict=state, meta=dict(epoch=np.int64(3))) if whole else state, path)
    random_state = torch.get_rng_state()
    estimator = MODELS.build(dict(type='UFlow', weights=str(path), size=None))
    loaded = estimator.net.state_dict()
    assert torch.equal(torch.get_rng_state(), random_state)
    assert list(loaded) == list(net.state_dict())
    assert all(torch.equal(loaded[key], value) for key, value in net.state_dict().items())
    assert not any(p.requires_grad for p in estimator.net.parameters())


def test_half_precision_weights_run_in_float32(net, tmp_path):
    torch.save({k: v.half() for k, v in net.state_dict().items()}, tmp_path / 'half.pth')
    flow, _ = UFlow(str(tmp_path / 'half.pth'), size=None)(*images(32, 32))
    assert flow.dtype == torch.float32


@pytest.mark.parametrize('used_before', [False, True])
def test_nothing_to_train_or_to_save(weights, used_before):
    model = nn.Module()
    model.flow = UFlow(weights, size=None)
    a, b = images(32, 64)
    if used_before:
        expected, _ = model.flow(a, b)
        model.train()
        model.half()
        with torch.autocast('cpu', dtype=torch.bfloat16):
            flow, _ = model.flow(a, b)
        assert torch.equal(flow, expected)
    assert not model.state_dict() and not list(model.parameters()) and not list(model.buffers())
    copy.deepcopy(model)


def test_missing_file_is_found_at_the_first_call_only():
    estimator = MODELS.build(dict(type='UFlow', weights='nowhere/uflow.pth'))
    with pytest.raises(FileNotFoundError, match=r'nowhere/uflow\.pth') as info:
        estimator(*images(32, 32))
    for hint in ('train it', 'model.data_preprocessor.flow.weights', 'RAFTFlow'):
        assert hint in str(info.value)


def test_wrong_names_and_shapes_are_listed(net, tmp_path):
    path = tmp_path / 'other.pth'
    state = net.state_dict()
    del state['decoders.2.head.bias']
    state['decoders.7.head.bias'] = torch.zeros(2)
    state['pyramid.0.0.0.weight'] = torch.zeros(16, 3, 3, 3)
    torch.save(state, path)
    with pytest.raises(ValueError, match=r'other\.pth') as info:
        UFlow(str(path))(*images(32, 32))
    for problem in (
        'missing (1): decoders.2.head.bias',
        'left over (1): decoders.7.head.bias',
        'of another shape (1): pyramid.0.0.0.weight',
    ):
        assert problem in str(info.value)


def test_weights_of_a_part_keep_their_names_in_the_error(net, tmp_path):
    """What all of its names begin with is no prefix that could be dropped."""
    path = tmp_path / 'part.pth'
    state = {k: v for k, v in net.state_dict().items() if k.startswith('refinement.')}
    torch.save(state, path)
    with pytest.raises(ValueError, match=r'missing \(\d+\): .*and \d+ more') as info:
        UFlow(str(path))(*images(32, 32))
    assert 'left over' not in str(info.value)


@pytest.mark.parametrize('content', [b'', b'no weights at all', None])
def test_damaged_file(weights, tmp_path, content):
    path = tmp_path / 'torn.pth'
    if content is None:
        with open(weights, 'rb') as file:
            content = file.read()[:-1000]
    path.write_bytes(content)
    with pytest.raises(ValueError, match=r'torn\.pth cannot be read'):
        UFlow(str(path))(*images(32, 32))


def test_file_without_a_state_dict(tmp_path):
    path = tmp_path / 'list.pth'
    torch.save([1, 2], path)
    with pytest.raises(ValueError, match=r'list\.pth holds a list'):
        UFlow(str(path))(*images(32, 32))


@pytest.mark.parametrize(
    ('content', 'has'),
    [
        (dict(epoch=3, params=dict(weight=torch.zeros(2))), 'epoch, params'),
        (dict(state_dict=dict(weight=[0.0, 1.0]), meta={}), 'state_dict, meta'),
    ],
)
def test_file_without_weights_where_they_are_looked_for(content, has, tmp_path):
    torch.save(content, tmp_path / 'foreign.pth')
    with pytest.raises(ValueError, match=rf'foreign\.pth holds no weights .* it has {has}'):
        UFlow(str(tmp_path / 'foreign.pth')).net  # noqa: B018


def test_weights_of_a_training_that_went_astray(net, tmp_path):
    state = net.state_dict()
    state['pyramid.1.0.0.bias'] = torch.full_like(state['pyramid.1.0.0.bias'], float('nan'))
    torch.save(state, tmp_path / 'nan.pth')
    with pytest.raises(ValueError, match=r'nan\.pth: 1 tensors are not finite \(pyramid\.1'):
        UFlow(str(tmp_path / 'nan.pth')).net  # noqa: B018


@pytest.mark.parametrize('weights', [None, ''])
def test_weights_are_required(weights):
    with pytest.raises(ValueError, match=r'flow\.weights must be the path'):
        UFlow(weights)
