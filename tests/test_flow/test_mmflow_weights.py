"""MMFlow's RAFT weights under torchvision's names."""

import hashlib
import runpy
import sys

import pytest
import torch
from torchvision.models.optical_flow import raft_large

from poodle_mm.flow import RAFTFlow
from poodle_mm.flow.mmflow_weights import convert_file, convert_mmflow_raft


def mmflow_modules() -> dict[str, str]:
    """torchvision's modules with weights to MMFlow's, enumerated from MMFlow's structure."""
    modules = {}
    for ours, theirs in (('feature_encoder', 'encoder'), ('context_encoder', 'context')):
        modules[f'{ours}.convnormrelu.0'] = f'{theirs}.conv1'
        modules[f'{ours}.convnormrelu.1'] = f'{theirs}.bn1'
        modules[f'{ours}.conv'] = f'{theirs}.conv2'
        for stage in (1, 2, 3):
            for block in (0, 1):
                for i in (1, 2):
                    layer = f'{ours}.layer{stage}.{block}.convnormrelu{i}'
                    other = f'{theirs}.res_layer{stage}.{block}'
                    modules[f'{layer}.0'] = f'{other}.conv{i}'
                    modules[f'{layer}.1'] = f'{other}.bn{i}'
            for i in (0, 1):
                name = f'0.downsample.{i}'
                modules[f'{ours}.layer{stage}.{name}'] = f'{theirs}.res_layer{stage}.{name}'
    motion = 'update_block.motion_encoder'
    for i in (0, 1):
        for kind in ('corr', 'flow'):
            modules[f'{motion}.conv{kind}{i + 1}.0'] = f'decoder.encoder.{kind}_net.{i}.conv'
        for gate in 'zrq':
            gru = f'update_block.recurrent_block.convgru{i + 1}.conv{gate}'
            modules[gru] = f'decoder.gru.conv_{gate}.{i}.conv'
    return modules | {
        f'{motion}.conv.0': 'decoder.encoder.out_net.0.conv',
        'update_block.flow_head.conv1': 'decoder.flow_pred.layers.0.conv',
        'update_block.flow_head.conv2': 'decoder.flow_pred.predict_layer',
        'mask_predictor.convrelu.0': 'decoder.mask_pred.layers.0.conv',
        'mask_predictor.conv': 'decoder.mask_pred.predict_layer',
    }


def to_mmflow(state_dict: dict[str, torch.Tensor]) -> dict[str, torch.Tensor]:
    """What MMFlow would have stored for a ``raft_large``: its names, stems that read BGR."""
    modules, result = mmflow_modules(), {}
    for key, value in state_dict.items():
        module, _, tensor = key.rpartition('.')
        stem = modules[module] in ('encoder.conv1', 'context.conv1') and tensor == 'weight'
        result[f'{modules[module]}.{tensor}'] = value[:, [2, 1, 0]] if stem else value
    return result


@pytest.fixture(scope='module')
def net():
    torch.manual_seed(0)
    net = raft_large().eval()
    for buffer in net.buffers():  # statistics that differ from their initial values
        if buffer.dtype == torch.float32:
            buffer.uniform_(0.5, 1.5)
    return net


@pytest.mark.parametrize('prefix', ['', 'module.'])
def test_every_tensor_arrives(net, prefix):
    source = {prefix + key: value for key, value in to_mmflow(net.state_dict()).items()}
    converted = convert_mmflow_raft(source)
    expected = net.state_dict()
    assert len(source) == len(converted) == 169
    assert list(converted) == list(expected)
    assert all(torch.equal(converted[key], expected[key]) for key in expected)
    parameters = dict(net.named_parameters())
    assert sum(converted[key].numel() for key in parameters) == 5_257_536


def test_rgb_into_the_converted_net_equals_bgr_into_mmflows(net):
    """The net that holds MMFlow's tensors as they are, fed as MMFlow feeds it."""
    source = to_mmflow(net.state_dict())
    names = {theirs: ours for ours, theirs in mmflow_modules().items()}
    plain = raft_large().eval()
    plain.load_state_dict(
        {f'{names[k.rpartition(".")[0]]}.{k.rpartition(".")[2]}': v for k, v in source.items()}
    )
    converted = RAFTFlow(weights=None, num_updates=1)
    converted.net.load_state_dict(convert_mmflow_raft(source))
    rgb = torch.randint(0, 256, (2, 1, 3, 128, 128), generator=torch.Generator().manual_seed(0))
    with torch.no_grad():
        bgr = (rgb.flip(2).float() - 127.5) / 127.5
        expected = plain(*bgr, num_flow_updates=1)[-1]
    flow, _ = converted(*(rgb.float() / 255))
    torch.testing.assert_close(flow, expected, rtol=1e-3, atol=1e-4)
    wrong, _ = converted(*(rgb.flip(2).float() / 255))
    assert (wrong - expected).abs().max() > 0.02


def test_errors_list_the_entries(net):
    source = to_mmflow(net.state_dict())
    source['decoder.extra.weight'] = source.pop('context.bn1.bias')
    source['decoder.flow_pred.predict_layer.bias'] = torch.zeros(3)
    with pytest.raises(ValueError) as info:
        convert_mmflow_raft(source)
    message = str(info.value)
    assert 'missing (1): context_encoder.convnormrelu.1.bias' in message
    assert 'left over (1): decoder.extra.weight' in message
    assert 'of another shape (1): update_block.flow_head.conv2.bias' in message


def test_no_name_is_taken_that_is_not_mmflows(net):
    """Half converted: the stem's colours would be flipped once more."""
    source, stem = to_mmflow(net.state_dict()), 'feature_encoder.convnormrelu.0.weight'
    source[stem] = source.pop('encoder.conv1.weight')
    with pytest.raises(ValueError, match=rf"left over \(1\): {stem} \(not MMFlow's\)"):
        convert_mmflow_raft(source)
    with pytest.raises(ValueError, match=r'left over \(169\): .+ and 163 more'):
        convert_mmflow_raft(net.state_dict())


def test_converts_a_checkpoint_for_raft_flow(net, tmp_path, repo, monkeypatch, capsys):
    source, target = tmp_path / 'mmflow.pth', tmp_path / 'new' / 'raft.pth'
    torch.save(dict(state_dict=to_mmflow(net.state_dict()), meta=dict(epoch=1)), source)
    script = repo / 'tools' / 'model_converters' / 'mmflow_raft_to_torchvision.py'
    monkeypatch.setattr(sys, 'argv', [str(script), str(source), str(target)])
    runpy.run_path(str(script), run_name='__main__')
    sha = hashlib.sha256(target.read_bytes()).hexdigest()
    assert capsys.readouterr().out == f'{target} sha256 {sha}\n'
    assert [path.name for path in target.parent.iterdir()] == ['raft.pth']
    loaded = RAFTFlow(weights=str(target)).net.state_dict()
    assert all(torch.equal(loaded[key], value) for key, value in net.state_dict().items())


def test_a_failed_conversion_writes_nothing(net, tmp_path):
    target = tmp_path / 'raft.pth'
    with pytest.raises(FileNotFoundError, match=r'absent\.pth'):
        convert_file(tmp_path / 'absent.pth', target)
    (tmp_path / 'damaged.pth').write_bytes(b'not a checkpoint')
    torch.save(net.state_dict(), tmp_path / 'already.pth')
    for name in ('damaged', 'already'):
        with pytest.raises(ValueError, match=rf'{name}\.pth'):
            convert_file(tmp_path / f'{name}.pth', target)
    assert not target.exists()
    assert not list(tmp_path.glob('.*'))
