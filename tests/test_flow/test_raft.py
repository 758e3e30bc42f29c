"""RAFTFlow with random weights: wiring, padding, weights files. No trained weights are needed."""

import urllib.error

import pytest
import torch
import torch.nn.functional as F
from mmengine.optim import OptimWrapper
from torchvision.models.optical_flow import raft_large, raft_small

from poodle_mm.datasets import FramePairSample
from poodle_mm.engine.config import load_config
from poodle_mm.flow import RAFTFlow
from poodle_mm.registry import MODELS
from tests.test_flow.test_mmflow_weights import to_mmflow

SMALL = dict(arch='small', weights=None, num_updates=2)


def images(height: int, width: int, batch: int = 1) -> tuple[torch.Tensor, torch.Tensor]:
    generator = torch.Generator().manual_seed(height * width)
    return torch.rand(2, batch, 3, height, width, generator=generator).unbind()


@pytest.mark.parametrize('batched', [None, False, True])
@pytest.mark.parametrize('arch', ['small', 'large'])
def test_equals_torchvision_called_once_per_direction_and_pair(arch, batched):
    estimator = RAFTFlow(arch, weights=None, num_updates=2, batched=batched)
    a, b = images(128, 136, batch=2)
    flow_ab, flow_ba = estimator(a, b)
    assert flow_ab.shape == (2, 2, 128, 136)
    assert flow_ab.is_contiguous() and not flow_ab.requires_grad
    with torch.no_grad():
        for i in range(2):
            x, y = a[i : i + 1] * 2 - 1, b[i : i + 1] * 2 - 1
            forward = estimator.net(x, y, num_flow_updates=2)[-1][0]
            backward = estimator.net(y, x, num_flow_updates=2)[-1][0]
            torch.testing.assert_close(flow_ab[i], forward, rtol=1e-3, atol=1e-3)
            torch.testing.assert_close(flow_ba[i], backward, rtol=1e-3, atol=1e-3)
    assert (flow_ab - flow_ba).abs().max() > 0.1


@pytest.mark.parametrize(('height', 'width'), [(130, 141), (128, 129), (70, 200)])
def test_pads_to_eights_and_crops_back(height, width):
    estimator = RAFTFlow(**SMALL)
    a, b = images(height, width)
    flow, _ = estimator(a, b)
    assert flow.shape[-2:] == (height, width)
    rows, columns = (max(side + -side % 8, 128) - side for side in (height, width))
    left, top = columns // 2, rows // 2
    pad = (left, columns - left, top, rows - top)
    wide = [F.pad(x, pad, mode='replicate') for x in (a, b)]
    expected, _ = estimator(*wide)
    expected = expected[..., top : top + height, left : left + width]
    torch.testing.assert_close(flow, expected, rtol=1e-3, atol=1e-3)


def test_size_sets_the_working_resolution():
    a, b = images(256, 320)
    flow, _ = RAFTFlow(size=(128, 160), **SMALL)(a, b)
    half = [F.interpolate(x, (128, 160), mode='bilinear', antialias=True) for x in (a, b)]
    expected, _ = RAFTFlow(**SMALL)(*half)
    expected = 2 * F.interpolate(expected, (256, 320), mode='bilinear')
    torch.testing.assert_close(flow, expected, rtol=1e-3, atol=1e-3)


def test_autocast_and_train_mode_change_nothing():
    estimator = RAFTFlow(weights=None, num_updates=1)  # large: its context encoder has batch norm
    a, b = images(128, 128)
    expected, _ = estimator(a, b)
    estimator.train()
    with torch.autocast('cpu', dtype=torch.bfloat16):
        flow, _ = estimator(a, b)
    assert torch.equal(flow, expected)


@pytest.mark.parametrize(('batched', 'sizes'), [(None, [1] * 4), (False, [1] * 4), (True, [4])])
def test_each_frame_is_encoded_once(batched, sizes):
    estimator = RAFTFlow(batched=batched, **SMALL)
    encoder, context = estimator.net.feature_encoder, estimator.net.context_encoder
    seen = {encoder: [], context: []}
    for module in seen:
        module.register_forward_pre_hook(lambda module, args: seen[module].append(len(args[0])))
    estimator(*images(128, 128, batch=2))
    assert seen == {encoder: sizes, context: sizes}
    assert estimator.net.feature_encoder is encoder


def test_the_encoder_comes_back_after_an_error():
    estimator = RAFTFlow(**SMALL)
    encoder = estimator.net.feature_encoder
    estimator.num_updates = 'many'
    with pytest.raises(TypeError):
        estimator(*images(128, 128))
    assert estimator.net.feature_encoder is encoder


def test_a_training_step_leaves_the_running_statistics_alone(repo):
    """The authors' training switched RAFT's batch norm to training mode."""
    cfg = load_config(repo / 'configs/demo/poodle_r18_scenes.py')
    cfg.model.data_preprocessor.flow = dict(type='RAFTFlow', weights=None, num_updates=1)
    model = MODELS.build(cfg.model).train()
    flow = model.data_preprocessor.flow
    before = {name: x.clone() for name, x in flow.net.state_dict().items()}
    assert sum('running' in name for name in before) > 9
    generator = torch.Generator().manual_seed(0)
    frames = torch.randint(256, (2, 2, 3, 96, 192), dtype=torch.uint8, generator=generator)
    samples = [FramePairSample(metainfo=dict(seed=seed)) for seed in range(2)]
    weight = model.backbone.conv1.weight.clone()
    wrapper = OptimWrapper(torch.optim.SGD(model.parameters(), lr=1))
    model.train_step(dict(inputs=frames, data_samples=samples), wrapper)
    assert flow.training and not torch.equal(model.backbone.conv1.weight, weight)
    assert not any(module.training for module in flow.net.modules())
    after = flow.net.state_dict()
    assert all(torch.equal(after[name], x) for name, x in before.items())


def test_correlation_pyramid_is_released():
    estimator = RAFTFlow(**SMALL)
    estimator(*images(128, 128))
    assert not estimator.net.corr_block.corr_pyramid


def test_random_weights_are_the_same_everywhere_and_leave_the_generator_alone():
    torch.manual_seed(1)
    expected = torch.rand(3)
    torch.manual_seed(1)
    first = RAFTFlow(**SMALL).net.state_dict()
    assert torch.equal(torch.rand(3), expected)
    second = RAFTFlow(**SMALL).net.state_dict()
    assert all(torch.equal(first[key], second[key]) for key in first)


def test_reads_a_weights_file(tmp_path):
    torch.manual_seed(3)
    net = raft_small().eval()
    torch.save(net.state_dict(), tmp_path / 'raft.pth')
    estimator = RAFTFlow('small', str(tmp_path / 'raft.pth'), num_updates=1)
    a, b = images(128, 128)
    with torch.no_grad():
        expected = net(2 * a - 1, 2 * b - 1, num_flow_updates=1)[-1]
    torch.testing.assert_close(estimator(a, b)[0], expected, rtol=1e-4, atol=1e-4)


def test_missing_file_is_found_at_the_first_call_only():
    estimator = MODELS.build(dict(type='RAFTFlow', weights='nowhere/raft.pth'))
    with pytest.raises(FileNotFoundError, match=r'nowhere/raft\.pth') as info:
        estimator(*images(128, 128))
    for hint in ('https://download.pytorch.org', 'mmflow_raft_to_torchvision.py', 'C_T_SKHT_V2'):
        assert hint in str(info.value)


def test_failed_download_says_what_to_put_where(tmp_path, monkeypatch):
    def offline(*args, **kwargs):
        raise urllib.error.URLError('no network')

    monkeypatch.setenv('TORCH_HOME', str(tmp_path))
    monkeypatch.setattr(torch.hub, 'download_url_to_file', offline)
    estimator = MODELS.build(dict(type='RAFTFlow', weights='C_T_V2'))
    with pytest.raises(FileNotFoundError, match='no network') as info:
        estimator(*images(128, 128))
    place = tmp_path / 'hub' / 'checkpoints' / 'raft_large_C_T_V2-1bb1363a.pth'
    assert str(place) in str(info.value)
    assert 'https://download.pytorch.org/models/raft_large_C_T_V2-1bb1363a.pth' in str(info.value)


def test_named_weights_come_from_torchvisions_cache(tmp_path, monkeypatch):
    """A file at the place that the error message names is used without a download."""
    monkeypatch.setenv('TORCH_HOME', str(tmp_path))
    place = tmp_path / 'hub' / 'checkpoints' / 'raft_small_C_T_V2-01064c6d.pth'
    place.parent.mkdir(parents=True)
    weights = raft_small().state_dict()
    torch.save(weights, place)
    for name in ('C_T_V2', 'DEFAULT'):
        loaded = RAFTFlow('small', name).net.state_dict()
        assert all(torch.equal(loaded[key], weights[key]) for key in weights)


def test_weights_of_another_arch(tmp_path):
    torch.save(raft_small().state_dict(), tmp_path / 'small.pth')
    with pytest.raises(
        ValueError, match=r'(?s)small\.pth does not fit the RAFT.*encoder.*Check arch'
    ):
        RAFTFlow('large', str(tmp_path / 'small.pth'))(*images(128, 128))


def test_mmflow_checkpoint_says_how_to_convert_it(tmp_path):
    source = tmp_path / 'mmflow.pth'
    torch.save(dict(state_dict=to_mmflow(raft_large().state_dict()), meta={}), source)
    with pytest.raises(ValueError, match=rf'mmflow_raft_to_torchvision.py {source}'):
        RAFTFlow('large', str(source))(*images(128, 128))


@pytest.mark.parametrize('content', [b'', b'no weights at all', None])
def test_damaged_file(tmp_path, content):
    path = tmp_path / 'raft.pth'
    if content is None:
        torch.save(raft_small().state_dict(), path)
        content = path.read_bytes()[:-1000]
    path.write_bytes(content)
    with pytest.raises(ValueError, match=r'raft\.pth cannot be read'):
        _ = RAFTFlow('small', str(path)).net


def test_bad_arguments():
    with pytest.raises(ValueError, match='large, small'):
        RAFTFlow('huge')
    with pytest.raises(ValueError, match='num_updates'):
        RAFTFlow(num_updates=0)
