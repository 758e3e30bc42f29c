"""Flow weights that come with the package, and the file that they are made of."""

from types import SimpleNamespace

import pytest
import torch

from poodle_mm.__main__ import main
from poodle_mm.engine.config import load_config
from poodle_mm.engine.hooks.checkpoint_hook import AtomicCheckpointHook
from poodle_mm.flow import UFlow
from poodle_mm.flow.uflow.estimator import build_network
from poodle_mm.flow.uflow.packaged import PACKAGED
from poodle_mm.flow.uflow.publish import publish_flow
from poodle_mm.flow.uflow.training import UFlowTraining
from poodle_mm.registry import MODELS
from poodle_scenes.scene import build_scene, render_colour

CFG = """
load_from = {load_from!r}
resume = {resume}
work_dir = '/secret/folder'
train_dataloader = dict(batch_size=4)
randomness = dict(seed=7)
"""


def training(path, state=None, name='uflow_small_scenes', load_from=None, resume=False, iters=12):
    """A checkpoint as MMEngine writes it, with what need not be published."""
    state = state or build_network('small').state_dict()
    state = {f'network.{key}': value for key, value in state.items()}
    meta = dict(
        cfg=CFG.format(load_from=load_from and str(load_from), resume=resume),
        iter=iters,
        experiment_name=f'{name}_20260101_120000',
    )
    torch.save(dict(meta=meta, state_dict=state, optimizer=dict(state={}), message_hub={}), path)
    return path


def read(path) -> dict:
    return torch.load(path, weights_only=True)


def scene_pair() -> list[torch.Tensor]:
    """Two frames of a scene, a fifth of a second apart, (1, 3, 96, 192)."""
    scene = build_scene(3, (96, 192))
    frames = [render_colour(scene, t) for t in (0.0, 0.2)]
    return [torch.from_numpy(x).permute(2, 0, 1)[None].float() / 255 for x in frames]


def test_small_flow_needs_no_other_file(tmp_path, monkeypatch):
    """From any folder, at any size of crops, at most 3 MB, float16, without traces of a machine."""
    monkeypatch.chdir(tmp_path)
    assert PACKAGED['small'].stat().st_size <= 3e6
    content = read(PACKAGED['small'])
    assert {value.dtype for value in content['state_dict'].values()} == {torch.float16}
    about = content['meta']['poodle_mm']
    assert about['network'] == 'small' and about['version']
    assert all(t['config'].startswith('uflow_') and t['iterations'] for t in about['trainings'])
    for size in ((256, 512), None):
        flow = MODELS.build(dict(type='UFlow', weights='small', size=size))
        a, b = torch.rand(2, 1, 3, 96, 192)
        for found in flow(a, b):
            assert found.shape == (1, 2, 96, 192) and found.dtype == torch.float32
            assert found.isfinite().all()


def test_half_precision_costs_less_than_a_tenth_of_a_pixel(tmp_path):
    """Any float32 weights that round to the packaged ones: up to half a step away."""
    state = read(PACKAGED['small'])['state_dict']
    generator = torch.Generator().manual_seed(0)
    full = {}
    for key, value in state.items():
        step = 2.0 ** (torch.frexp(value.float())[1] - 11).clamp(min=-24)
        full[key] = value.float() + 0.49 * step * (
            2 * torch.rand(value.shape, generator=generator) - 1
        )
    source = training(tmp_path / 'iter_12.pth', full)
    published = publish_flow(source, tmp_path / 'small.pth')
    a, b = scene_pair()
    exact, _ = UFlow(str(source), size=None)(a, b)
    rounded, _ = UFlow(str(published), size=None)(a, b)
    assert exact.abs().max() > 0.2
    assert 0 < (exact - rounded).abs().max() < 0.1


def test_published_weights(tmp_path):
    """The network alone, twice the same file, and where it comes from: two trainings, no paths."""
    first = training(tmp_path / 'iter_30.pth', name='uflow_small_scenes_exact', iters=30)
    begun = training(tmp_path / 'stopped_iter_5.pth', load_from=first, iters=5)
    source = training(tmp_path / 'iter_12.pth', load_from=begun, resume=True)
    out = publish_flow(source, tmp_path / 'out' / 'a.pth')
    assert out.read_bytes() == publish_flow(source, tmp_path / 'b.pth').read_bytes()
    content = read(out)
    assert content.keys() == {'meta', 'state_dict'}
    trainings = content['meta']['poodle_mm']['trainings']
    assert trainings == [
        dict(config='uflow_small_scenes_exact', iterations=30, batch_size=4, seed=7),
        dict(config='uflow_small_scenes', iterations=12, batch_size=4, seed=7),
    ]
    assert str(tmp_path).encode() not in out.read_bytes() and b'secret' not in out.read_bytes()
    expected = read(source)['state_dict']
    for key, value in content['state_dict'].items():
        torch.testing.assert_close(value, expected[f'network.{key}'].half())
    first.unlink()
    source = training(tmp_path / 'iter_12.pth', load_from=first)
    content = read(publish_flow(source, out))
    assert content['meta']['poodle_mm']['trainings'][0] == dict(file='iter_30.pth')


def test_training_starts_from_published_weights(tmp_path):
    """The hook gives them the training's names; what is published then knows the trainings."""
    model = UFlowTraining(network='small')
    runner = SimpleNamespace(model=model, _load_from=str(PACKAGED['small']), _resume=False)
    checkpoint = read(PACKAGED['small'])
    AtomicCheckpointHook().after_load_checkpoint(runner, checkpoint)
    model.load_state_dict(checkpoint['state_dict'])
    expected = UFlow('small').net.state_dict()
    for key, value in model.network.state_dict().items():
        assert torch.equal(value, expected[key])
    again = dict(state_dict=model.state_dict())
    AtomicCheckpointHook().after_load_checkpoint(runner, again)
    assert again['state_dict'].keys() == model.state_dict().keys()
    with pytest.raises(ValueError, match=r"(?s)small\.pth.*model\.network is 'uflow'"):
        UFlowTraining().rename_weights(read(PACKAGED['small'])['state_dict'], 'small.pth')

    source = training(tmp_path / 'iter_12.pth', load_from=PACKAGED['small'])
    about = read(publish_flow(source, tmp_path / 'out.pth'))['meta']['poodle_mm']
    before = read(PACKAGED['small'])['meta']['poodle_mm']['trainings']
    assert about['trainings'][:-1] == before and about['trainings'][-1]['iterations'] == 12


@pytest.mark.parametrize(
    ('value', 'message'),
    [(float('nan'), 'not finite'), (1e5, r'pyramid\.0\.0\.0\.weight reaches 100000, and float16')],
)
def test_numbers_that_float16_cannot_hold(tmp_path, value, message):
    state = build_network('small').state_dict()
    state['pyramid.0.0.0.weight'][0, 0, 0, 0] = value
    source = training(tmp_path / 'iter_12.pth', state)
    (tmp_path / 'out.pth').write_text('before')
    with pytest.raises(ValueError, match=message):
        publish_flow(source, tmp_path / 'out.pth')
    assert (tmp_path / 'out.pth').read_text() == 'before'


def test_what_is_not_published(tmp_path):
    source = training(tmp_path / 'iter_12.pth')
    with pytest.raises(ValueError, match='is the file to convert'):
        publish_flow(source, source)
    torch.save(build_network('small').state_dict(), tmp_path / 'plain.pth')
    with pytest.raises(ValueError, match='does not say how it was trained'):
        publish_flow(tmp_path / 'plain.pth', tmp_path / 'out.pth')
    with pytest.raises(ValueError, match='left over'):
        publish_flow(training(source, dict(weight=torch.zeros(1))), tmp_path / 'out.pth')
    assert not (tmp_path / 'out.pth').exists()


def test_the_tool(tmp_path, capsys):
    source = training(tmp_path / 'iter_12.pth')
    for path, code, words in ((source, None, 'small.pth'), (tmp_path / 'no.pth', 2, 'no.pth')):
        with pytest.raises(SystemExit) as info:
            main(['publish-flow', str(path), str(tmp_path / 'small.pth')])
        assert info.value.code == code and words in ''.join(capsys.readouterr())


def test_a_name_that_is_neither(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(FileNotFoundError, match='no weights file tiny, nor') as info:
        UFlow('tiny')(*torch.rand(2, 1, 3, 32, 32))
    assert 'small' in str(info.value) and 'the path of the checkpoint' in str(info.value)


def test_a_file_with_a_packaged_name(tmp_path, monkeypatch, caplog):
    """The package's weights are read, and said to be; the path with a folder is the file."""
    monkeypatch.chdir(tmp_path)
    net = build_network('small')
    torch.save(net.state_dict(), 'small')
    key = 'pyramid.0.0.0.weight'
    said = []
    monkeypatch.setattr('poodle_mm.flow.uflow.packaged.warn', said.append)
    packaged = UFlow('small').net.state_dict()[key]
    assert torch.equal(packaged, read(PACKAGED['small'])['state_dict'][key].float())
    assert len(said) == 1 and './small' in said[0]
    assert torch.equal(UFlow('./small').net.state_dict()[key], net.state_dict()[key])
    assert len(said) == 1


def test_options_of_the_documentation(repo):
    """From DIS to UFlow on the command line, as the demo's crops want it."""
    key = 'model.data_preprocessor.flow'
    options = {f'{key}._delete_': True, f'{key}.type': 'UFlow'}
    options |= {f'{key}.weights': 'small', f'{key}.size': None}
    cfg = load_config(repo / 'configs/demo/poodle_r18_scenes.py', options)
    assert cfg.model.data_preprocessor.flow == dict(type='UFlow', weights='small', size=None)
    MODELS.build(cfg.model.data_preprocessor.flow)
    options = {f'{key}._delete_': True, f'{key}.type': 'DISFlow'}
    options |= {f'{key}.initial.type': 'UFlow', f'{key}.initial.weights': 'small'}
    cfg = load_config(repo / 'configs/demo/poodle_r18_scenes.py', options)
    initial = dict(type='UFlow', weights='small')
    assert cfg.model.data_preprocessor.flow == dict(type='DISFlow', initial=initial)
    MODELS.build(cfg.model.data_preprocessor.flow)
    del options[f'{key}._delete_']
    with pytest.raises(KeyError, match='initial'):
        load_config(repo / 'configs/demo/poodle_r18_scenes.py', options)


def test_checkpoints_that_name_each_other(tmp_path):
    """A work_dir was used again, for a training from what its first one had led to."""
    first = training(tmp_path / 'first.pth', name='uflow_small_clips', load_from='second.pth')
    second = training(tmp_path / 'second.pth', load_from=first)
    training(first, name='uflow_small_clips', load_from=second)
    about = read(publish_flow(first, tmp_path / 'out.pth'))['meta']['poodle_mm']
    assert [t.get('config') or t['file'] for t in about['trainings']] == [
        *('first.pth', 'uflow_small_scenes', 'uflow_small_clips')
    ]
