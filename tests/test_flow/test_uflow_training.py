"""UFlow's training on networks so small that a step takes milliseconds."""

import pytest
import torch
from mmengine.logging import MessageHub

from poodle_mm.datasets.frame_pair_sample import FramePairSample
from poodle_mm.flow import UFlow
from poodle_mm.flow.uflow.estimator import build_network, upsample_flow
from poodle_mm.flow.uflow.network import NETWORKS, UFlowNetwork
from poodle_mm.flow.uflow.objectives import census_loss, other, visibility
from poodle_mm.flow.uflow.training import UFlowTraining
from poodle_mm.geometry.consistency import warp_image
from poodle_mm.registry import MODELS

TINY = dict(channels=8, layers=1, decoder=(16, 8), refinement=(), max_displacement=1, dense=False)


def tiny(**options) -> UFlowTraining:
    with torch.random.fork_rng(devices=[]):
        torch.default_generator.manual_seed(0)
        common = dict(network=TINY, selfsup=dict(crop=(32, 32)))
        options = common | dict(data_preprocessor=dict(type='FlowPairPreprocessor')) | options
        return MODELS.build(dict(type='UFlowTraining', **options))


def batch(motion: tuple[int, int] = (4, 0), size=(64, 96), count: int = 2) -> dict:
    """Pairs of smooth noise that move by ``motion``, with their flow."""
    generator = torch.Generator().manual_seed(0)
    noise = torch.rand(count, 3, 16, 20, generator=generator)
    big = torch.nn.functional.interpolate(noise, (size[0] + 64, size[1] + 64), mode='bicubic')
    big = (big * 255).clamp(0, 255).byte()
    du, dv = motion
    crops = [big[..., y : y + size[0], x : x + size[1]] for y, x in ((32, 32), (32 - dv, 32 - du))]
    samples = []
    for seed in range(count):
        sample = FramePairSample()
        sample.set_metainfo(dict(seed=seed, source='a.mp4'))
        flow = torch.tensor(motion, dtype=torch.float32)[:, None, None].expand(2, *size)
        sample.flow = torch.stack([flow, -flow])
        samples.append(sample)
    return dict(inputs=torch.stack(crops, dim=1), data_samples=samples)


def losses(model: UFlowTraining, data: dict) -> dict:
    return model(**model.data_preprocessor(data, training=True), mode='loss')


def silence(model: UFlowTraining) -> None:
    """Zero flow."""
    for decoder in model.network.decoders.values():
        torch.nn.init.zeros_(decoder.head.weight)


@pytest.fixture(autouse=True)
def at_the_start():
    set_progress(0, 100)
    yield
    MessageHub.get_current_instance().runtime_info.clear()


def set_progress(done: int, of: int) -> None:
    hub = MessageHub.get_current_instance()
    hub.update_info('iter', done)
    hub.update_info('max_iters', of)


def test_losses_of_zero_flow_by_hand():
    """Equal frames: 0.01 ** 0.4 of the census loss, and 0.001 of smoothness away from edges."""
    model = tiny(weights=dict(census=2.0, ssim=1.0, smooth1=3.0, smooth2=5.0, epe=1.0))
    silence(model)
    data = batch()
    data['inputs'] = torch.full_like(data['inputs'], 100)
    found = losses(model, data)
    expected = dict(
        loss_census=2 * 0.01**0.4,
        loss_ssim=0,
        loss_smooth1=3 * 0.001,
        loss_smooth2=5 * 0.001,
        loss_epe=4 * (1 + 4 * 0.25),  # four decoded levels and no refinement
        visible_share=1,
        flow_pixels=0,
    )
    assert {k: v.item() for k, v in found.items()} == pytest.approx(expected, rel=1e-4, abs=1e-6)


def test_weights_of_zero_take_no_part():
    found = losses(tiny(weights=dict(smooth2=0.0)), batch())
    assert set(found) == {'loss_census', 'visible_share', 'flow_pixels'}


def test_coarse_levels_of_zero_flow_by_hand():
    """Grids of 8 x 12, 16 x 24 and 16 x 24 cells; the first, 4 x 6, is smaller than a window."""
    model = tiny(weights=dict(census=2.0, ssim=1.0, coarse=0.5))
    silence(model)
    data = batch()
    data['inputs'] = torch.full_like(data['inputs'], 100)
    found = losses(model, data)
    assert found['loss_census_coarse'].item() == pytest.approx(3 * 0.5 * 2 * 0.01**0.4, rel=1e-4)
    assert found['loss_ssim_coarse'].item() == pytest.approx(0, abs=1e-6)


def test_coarse_levels_compare_small_images():
    """Each level's flow, in pixels of small images, moves the other small image onto this one."""
    model, data = (
        tiny(weights=dict(census=2.0, coarse=0.5), level_dropout=0.0),
        batch(size=(64, 128)),
    )
    views = model.data_preprocessor(data, training=True)['inputs']
    found = losses(model, data)['loss_census_coarse']
    flows = model.network.flows(*views['augmented'])
    images = views['frames'].flatten(0, 1)
    seen = visibility(upsample_flow(flows[-1], (64, 128)), 'forward_backward')[:, None]
    expected = 0.0
    for level, shape in ((1, (8, 16)), (2, (16, 32)), (3, (16, 32))):
        factor = 64 // shape[0]
        small, mask = (torch.nn.functional.avg_pool2d(x, factor) for x in (images, seen))
        flow = flows[level] * shape[0] / flows[level].shape[-2]
        flow = torch.nn.functional.interpolate(flow, shape, mode='bilinear')
        warped, landed = warp_image(other(small), flow)
        expected += 0.5 * 2 * census_loss(small, warped, mask[:, 0] * landed)
    torch.testing.assert_close(found, expected)


def test_self_supervision_begins_and_rises():
    model = tiny(selfsup=dict(begin=0.5, ramp=0.1, crop=(32, 32), sigma_teacher=100.0))
    found = []
    for done in (49, 51, 55, 60, 99):
        set_progress(done, 100)
        found.append(losses(model, batch()).get('loss_selfsup', torch.tensor(0.0)).item())
    assert found[0] == 0 < found[1]
    ratios = [value / found[-1] for value in found]
    assert ratios == pytest.approx([0, 0.1, 0.5, 1, 1], rel=1e-4)


@pytest.mark.parametrize('crop', [(64, 32), (32, 96), (128, 128)])
def test_a_crop_of_everything_is_refused_before_it_is_used(crop):
    """Not in the middle of the training, when self-supervision begins."""
    options = dict(selfsup=dict(begin=0.5, crop=crop))
    with pytest.raises(ValueError, match=r'leaves nothing of frames of 64 x 96 .*\(16,24\)'):
        losses(tiny(**options), batch())
    losses(tiny(**options, weights=dict(selfsup=0.0)), batch())


def test_occlusion_begins():
    model = tiny(occlusion=dict(kind='wang', begin=0.5))
    model.network.decoders['1'].head.bias.data[:] = 2.0  # 8 pixels down and right, both ways
    first = losses(model, batch())['visible_share']
    set_progress(50, 100)
    assert losses(model, batch())['visible_share'] < 0.95 * first


def test_level_dropout_is_the_seeds_and_only_in_training():
    model, data = tiny(level_dropout=0.5), batch(count=8)
    model.network.decoders['4'].head.bias.data[:] = 1.0
    first, again = losses(model, data), losses(model, data)
    assert first['loss_census'] == again['loss_census']
    model.eval()
    assert losses(model, data)['flow_pixels'] > first['flow_pixels']


def test_dropped_levels_add_nothing():
    net = UFlowNetwork(**{**TINY, 'refinement': ((8, 1),)})
    a, b = torch.rand(2, 2, 3, 64, 96)
    keep = torch.ones(5, 2, dtype=torch.bool)
    keep[:, 1] = False
    for flow, whole in zip(net.flows(a, b, keep), net.flows(a, b)):
        torch.testing.assert_close(flow[::2], whole[::2])
        assert not flow[1::2].any()


def test_learns_a_motion_from_exact_flow():
    model = tiny(weights=dict(census=0.0, smooth2=0.0, epe=1.0), level_dropout=0.0)
    optimizer = torch.optim.Adam(model.parameters(), lr=3e-3)
    data = batch((6, -4))
    first = None
    for _ in range(40):
        loss = losses(model, data)['loss_epe']
        first = first or loss.item()
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    assert loss < 0.5 * first
    flow = model(**model.data_preprocessor(data), mode='tensor')
    assert flow.shape == (2, 2, 2, 64, 96)
    assert (flow[0].mean((0, 2, 3)) - torch.tensor([6.0, -4.0])).norm() < 4


def test_all_losses_reach_all_weights():
    model = tiny(weights=dict(ssim=1.0, smooth1=1.0, epe=1.0), selfsup=dict(begin=0.0, crop=(8, 8)))
    set_progress(99, 100)
    found = losses(model, batch())
    sum(value for key, value in found.items() if 'loss' in key).backward()
    for name, parameter in model.named_parameters():
        assert parameter.grad is not None and parameter.grad.isfinite().all(), name


@pytest.mark.parametrize('name', NETWORKS)
def test_checkpoint_serves_as_estimator(name, tmp_path):
    model = tiny(network=name)
    torch.save(dict(state_dict=model.state_dict(), meta={}), tmp_path / 'iter_1.pth')
    estimator = MODELS.build(dict(type='UFlow', weights=str(tmp_path / 'iter_1.pth'), size=None))
    a, b = torch.rand(2, 1, 3, 64, 96)
    flow_ab, flow_ba = estimator(a, b)
    found = model(dict(frames=torch.stack([a, b])), mode='tensor')
    torch.testing.assert_close(flow_ab, found[0])
    torch.testing.assert_close(flow_ba, found[1])


def test_network_by_its_arguments(tmp_path):
    torch.save(tiny().state_dict(), tmp_path / 'tiny.pth')
    a, b = torch.rand(2, 1, 3, 64, 96)
    flow, _ = UFlow(str(tmp_path / 'tiny.pth'), size=None, network=TINY)(a, b)
    assert flow.shape == (1, 2, 64, 96)
    with pytest.raises(ValueError, match=r'left over|missing|another shape'):
        UFlow(str(tmp_path / 'tiny.pth'), size=None)(a, b)


def test_small_network_is_small():
    """At most 3 MB in float16."""
    assert 2 * sum(p.numel() for p in build_network('small').parameters()) < 2.9e6


@pytest.mark.parametrize('separable', [False, True])
@pytest.mark.parametrize('normalise_costs', [False, True])
def test_other_networks(separable, normalise_costs):
    options = dict(separable=separable, normalise_costs=normalise_costs)
    net = build_network({**NETWORKS['small'], **options})
    flow_ab, flow_ba = net(*torch.rand(2, 1, 3, 64, 64))
    assert flow_ab.shape == flow_ba.shape == (1, 2, 16, 16)


@pytest.mark.parametrize(
    ('options', 'message'),
    [
        (dict(weights=dict(sensus=1.0)), 'weights has no sensus; it has census'),
        (dict(weights=dict(census=-1.0)), 'census must not be negative'),
        (dict(weights=dict(census=0.0)), 'nothing is learned'),
        (dict(occlusion=dict(kind='none')), 'occlusion.kind must be one of'),
        (dict(selfsup=dict(crop=(20, 64))), 'multiples of 8'),
        (dict(selfsup=dict(crop=(-16, 64))), 'multiples of 8'),
        (dict(selfsup=dict(crop=(16,))), 'two multiples of 8'),
        (dict(level_dropout=1.0), 'level_dropout must lie'),
        (dict(network='large'), "network 'large' is not one of uflow, small"),
        (dict(network=dict(layers=(1, 2))), 'layers needs one value, or 5'),
    ],
)
def test_wrong_options(options, message):
    with pytest.raises(ValueError, match=message):
        tiny(**options)


def test_supervision_without_flow():
    data = batch()
    for sample in data['data_samples']:
        del sample.flow
    with pytest.raises(ValueError, match='LoadSceneFlow'):
        losses(tiny(weights=dict(epe=1.0)), data)
