"""Figures of masks: readouts are found and built again without running what is in their files."""

import csv
import runpy
import sys

import numpy as np
import pytest
import torch

from poodle_mm.evaluation import trained_readout as trained
from poodle_mm.evaluation.readout import run_readout
from poodle_mm.utils.files import write_json
from tests.test_evaluation.conftest import labelled_set  # noqa: F401
from tests.test_evaluation.tiny import build_config, save_checkpoint

pytest.importorskip('mmseg')


@pytest.fixture(scope='module')
def readouts(tmp_path_factory, labelled_set):  # noqa: F811
    """Folder with two trained readouts, and their metrics."""
    root = tmp_path_factory.mktemp('readouts')
    save_checkpoint(root / 'epoch_1.pth')
    metrics = {}
    for name in ('learnt', 'random'):
        folder = root / 'scenes' / name / 'linear_s0'
        cfg = build_config(root / 'epoch_1.pth', labelled_set, folder, random=name == 'random')
        metrics[name], _ = run_readout(cfg)
        write_json(folder / 'result.json', dict(metrics={}))
    return root, metrics


def test_scores_are_those_of_the_readout(readouts, labelled_set):  # noqa: F811
    """The model that was built again predicts what the one that was trained did."""
    from poodle_mm.evaluation.segmentation.comparison import MaskComparison

    root, metrics = readouts
    comparison = MaskComparison([str(root)], readout='linear')
    assert comparison.mious.keys() == {'learnt', 'random'}
    for name, value in comparison.mious.items():
        assert value == pytest.approx(metrics[name]['miou'], abs=1e-4)
    shown = comparison.show(0)
    assert shown.image.shape == (64, 128, 3)
    assert set(np.unique(shown.masks['ground truth'])) == {0, 10, 255}
    assert comparison.of_class(5, False) is None and comparison.of_class(10, True) in (0, 1)


def test_script(readouts, tmp_path, monkeypatch, capsys, repo):
    root, _ = readouts
    paths = (f'{name}={root}/scenes/{name}' for name in ('learnt', 'random'))
    arguments = [*paths, '--images', '1', '--most-different', '--out', str(tmp_path / 'm')]
    monkeypatch.setattr(sys, 'argv', ['masks.py', *arguments, '--debug'])
    runpy.run_path(str(repo / 'tools/analysis/masks.py'), run_name='__main__')
    assert 'learnt right and random wrong in' in capsys.readouterr().out
    files = {f'm_{kind}.{end}' for kind in ('whole', 'classes', 'difference') for end in _ENDS}
    assert {file.name for file in tmp_path.iterdir()} == files
    with open(tmp_path / 'm_difference.csv', newline='') as file:
        rows = [*csv.DictReader(file)]
    assert [row['drawn'] for row in rows].count('True') == 1 and len(rows) == 2
    with open(tmp_path / 'm_classes.csv', newline='') as file:
        assert {row['class'] for row in csv.DictReader(file)} == {'road', 'sky'}


_ENDS = ('png', 'pdf', 'csv', 'txt')


def _saved(path, text, state=None):
    torch.save(dict(meta=dict(cfg=text), state_dict=state or dict(w=torch.zeros(1))), path)
    return path


@pytest.mark.parametrize(
    'model, message',
    [
        ("dict(type='os.system', command='echo')", "the type 'os.system'"),
        ("dict(type='FCNHead', act=dict(type='torch.hub.load'))", "the type 'torch.hub.load'"),
        ("dict(type='FCNHead', _scope_='my_project')", "the scope 'my_project'"),
        ("dict(type='FCNHead', _delete_=True)", "the key '_delete_'"),
        ("__import__('os').system('echo')", 'which is no literal'),
    ],
)
def test_nothing_in_a_file_is_executed(tmp_path, model, message):
    data = "test_dataloader = dict(dataset=dict(type='CamVidDataset'))"
    text = f"default_scope = 'mmseg'\nmodel = {model}\n{data}"
    with pytest.raises(ValueError, match=message):
        trained.read_readout('x', _saved(tmp_path / 'x.pth', text))


def test_every_readout_of_ours_may_be_built(repo):
    """The list has all that configs/downstream builds."""
    from mmengine.config import Config

    files = sorted((repo / 'configs' / 'downstream').glob('mm*/*.py'))
    assert len(files) > 30
    for file in files:
        cfg = Config.fromfile(file, import_custom_modules=False).to_dict()
        trained._check_types(trained._without_weights(cfg['model']), file)
        trained._check_types(cfg['test_dataloader']['dataset'], file)


def test_newest_checkpoint(tmp_path):
    for name in ('iter_80.pth', 'iter_800.pth', 'iter_9.pth', 'best.pth'):
        (tmp_path / name).touch()
    assert [*trained.find_readouts(f'A={tmp_path}')] == [('A', tmp_path / 'iter_800.pth')]


def test_names_of_readouts(tmp_path):
    """That of the folder above; the readout's own only where it tells two apart."""
    for folder in ('x/linear_s0', 'y/linear_s0', 'y/upernet_s0'):
        (tmp_path / folder).mkdir(parents=True)
        write_json(tmp_path / folder / 'result.json', {})
        (tmp_path / folder / 'iter_1.pth').touch()
    names = [name for name, _ in trained.find_readouts(str(tmp_path))]
    assert names == ['x', 'y linear_s0', 'y upernet_s0']
    names = [name for name, _ in trained.find_readouts(str(tmp_path), 'linear')]
    assert names == ['x', 'y']


def test_what_is_missing_is_named(tmp_path):
    with pytest.raises(FileNotFoundError, match=r'no checkpoint of a readout .*run tools/evaluate'):
        [*trained.find_readouts(str(tmp_path))]
    with pytest.raises(ValueError, match='no checkpoint of a readout'):
        trained.read_readout('x', _saved(tmp_path / 'x.pth', "model = dict(type='PooDLe')"))
    (tmp_path / 'upernet_s0').mkdir()
    write_json(tmp_path / 'upernet_s0' / 'result.json', {})
    with pytest.raises(FileNotFoundError, match="no readout 'linear'"):
        [*trained.find_readouts(str(tmp_path), 'linear')]
