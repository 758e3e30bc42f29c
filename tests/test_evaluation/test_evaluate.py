"""Checkpoints through a suite: what is run, what is read back, what is written."""

import json
import subprocess
import sys

import cv2
import numpy as np
import pytest
import torch

from poodle_mm.catalog import CATALOG
from poodle_mm.evaluation.evaluate import evaluate, read_entries
from poodle_mm.evaluation.suites import SUITES
from tests.test_evaluation.tiny import CONFIGS, save_checkpoint

pytest.importorskip('mmseg')


@pytest.fixture(scope='module')
def camvid(tmp_path_factory):
    """CamVid's layout with six tiny images a split."""
    root = tmp_path_factory.mktemp('camvid')
    rng = np.random.default_rng(0)
    for split in ('train', 'val', 'test'):
        for index in range(6):
            files = dict(
                images=(f'{index}.jpg', rng.integers(0, 255, (40, 60, 3), np.uint8)),
                labels=(f'{index}.png', np.tile(np.arange(60) // 5, (40, 1)).astype(np.uint8)),
            )
            for kind, (name, content) in files.items():
                path = root / kind / split / name
                path.parent.mkdir(parents=True, exist_ok=True)
                cv2.imwrite(str(path), content)
    return root


@pytest.fixture
def checkpoint(tmp_path):
    """A tiny pretraining's checkpoint."""
    save_checkpoint(tmp_path / 'epoch_1.pth')
    return tmp_path / 'epoch_1.pth'


def test_suites_have_the_names_of_the_catalog(tmp_path):
    """Each labelled data set has a suite; the scenes' is not called demo any more."""
    assert SUITES.keys() == {name for name, data in CATALOG.items() if data.splits}
    with pytest.raises(ValueError, match=r"unknown suite 'demo': take one of \['scenes'"):
        evaluate([], 'demo', CONFIGS, tmp_path)


def test_entries(tmp_path, checkpoint):
    """Names, seeds of one name, random weights of the first file's architecture."""
    plain, named, again, scratch, second = read_entries(
        [str(checkpoint), f'A={checkpoint}', f'A={checkpoint}', 'none', 'scratch=none'], seed=5
    )
    assert plain.name == f'{tmp_path.name}/epoch_1'
    assert [(e.name, e.seed) for e in (named, again)] == [('A', 5), ('A', 6)]
    assert [(e.name, e.seed) for e in (scratch, second)] == [('scratch', 5), ('scratch', 6)]
    assert scratch.encoder.path is None and scratch.encoder.neck is None
    assert scratch.encoder.backbone == plain.encoder.backbone
    (bare,) = read_entries([str(checkpoint)], use_decoder=False)
    assert bare.encoder.neck is None and plain.encoder.neck is not None
    (alone,) = read_entries(['none'])
    assert alone.encoder.backbone['depth'] == 50


def test_architecture_of_a_config(repo):
    """Random weights of what a config would train, without a checkpoint and without its decoder."""
    config = repo / 'configs' / 'demo' / 'poodle_r18_camvid.py'
    (scratch,) = read_entries(['scratch=none'], like=str(config))
    backbone = scratch.encoder.backbone
    assert (backbone['type'], backbone['depth']) == ('mmpretrain.ResNet', 18)
    assert backbone['base_channels'] == 16
    assert scratch.encoder.neck is None and scratch.encoder.path is None


def test_second_run_reads_back(tmp_path, checkpoint, camvid, monkeypatch):
    """Same settings: nothing is trained; other weights or settings: it is."""
    from poodle_mm.evaluation import readout

    runs = []
    run_readout = readout.run_readout

    def counted(cfg):
        runs.append(cfg.work_dir)
        return run_readout(cfg)

    monkeypatch.setattr(readout, 'run_readout', counted)

    def go(**settings):
        runs.clear()
        entries = read_entries([f'A={checkpoint}', 'none'])
        arguments = dict(data_root=camvid, size=(64, 64), iters=2) | settings
        return evaluate(entries, 'camvid', CONFIGS, tmp_path / 'out', ['linear'], **arguments)

    first = go()
    assert len(runs) == 2
    a, scratch = first['results']
    assert (a['name'], a['readout'], scratch['name']) == ('A', 'linear', 'scratch')
    assert 'linear_r50-sdm_camvid' in a['config']
    assert 'linear_r50-d8_camvid' in scratch['config']
    assert go() == first and runs == []
    assert json.loads((tmp_path / 'out' / 'camvid.json').read_text())['suite'] == 'camvid'
    assert '| scratch |' in (tmp_path / 'out' / 'camvid.md').read_text()
    assert not list((tmp_path / 'out').rglob('.*.tmp'))
    go(iters=3)
    assert len(runs) == 2
    go()
    state = torch.load(checkpoint)
    state['state_dict']['backbone.conv1.weight'] += 1
    torch.save(state, checkpoint)
    go()
    assert len(runs) == 1  # the random network's is still good


def test_same_readout_is_run_once(tmp_path, checkpoint, camvid, monkeypatch):
    """Without a decoder 'linear' and 'linear-encoder' are one config."""
    from poodle_mm.evaluation import readout

    runs = []
    monkeypatch.setattr(readout, 'run_readout', lambda cfg: runs.append(cfg) or ({}, None))
    for use_decoder, expected in ((False, 1), (True, 2)):
        runs.clear()
        report = evaluate(
            read_entries([str(checkpoint)], use_decoder=use_decoder),
            'camvid',
            CONFIGS,
            tmp_path / str(use_decoder),
            ['linear', 'linear-encoder'],
            data_root=camvid,
            size=(64, 64),
        )
        assert len(runs) == expected and len(report['results']) == 2


def test_groups_come_from_the_training_labels(tmp_path, checkpoint, camvid):
    """Each class fills a twelfth of each image: none is small, all are common."""
    report = evaluate(
        read_entries([str(checkpoint)]),
        'camvid',
        CONFIGS,
        tmp_path / 'out',
        ['linear'],
        data_root=camvid,
        size=(64, 64),
        iters=2,
    )
    metrics = report['results'][0]['metrics']
    assert metrics['small'] is None and metrics['rare'] is None
    assert metrics['large'] == metrics['common'] == pytest.approx(metrics['miou'], abs=0.01)


def test_nothing_runs_if_anything_is_wrong(tmp_path, checkpoint, camvid, monkeypatch):
    """The second readout's data is missing: found before the first one trains."""
    from poodle_mm.evaluation import readout

    monkeypatch.setattr(readout, 'run_readout', lambda cfg: pytest.fail('trained'))
    with pytest.raises(ValueError, match='needs a ResNet and a suite with boxes'):
        evaluate(
            read_entries([str(checkpoint)]),
            'camvid',
            CONFIGS,
            tmp_path,
            ['linear', 'det-fpn'],
            data_root=camvid,
        )


def test_detection_metrics_in_percent():
    """MMDetection's fractions, and its -1 where a class has no box."""
    from poodle_mm.evaluation.readout import summarise

    found = {'coco/bbox_mAP': 0.25, 'coco/bbox_mAP_50': 0.5, 'coco/bbox_mAP_s': -1}
    metrics = summarise(found | {'coco/car_precision': 0.125, 'coco/bus_precision': -1.0})
    assert (metrics['map'], metrics['map50'], metrics['per_class']['car']) == (25, 50, 12.5)
    assert np.isnan(metrics['per_class']['bus']) and list(metrics['per_class']) == ['car', 'bus']


@pytest.mark.slow
def test_command_line(repo, tmp_path, checkpoint, camvid):
    """The tool prints the table; a mistake is one line."""
    command = [sys.executable, str(repo / 'tools' / 'evaluate.py')]
    arguments = ['--suite', 'camvid', '--data-root', str(camvid), '--work-dir', str(tmp_path / 'w')]
    options = ['--readouts', 'linear', '--size', '64', '64', '--iters', '2']
    done = subprocess.run(
        [*command, f'A={checkpoint}', *arguments, *options],
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr[-2000:]
    assert '| A | ' in done.stdout
    done = subprocess.run(
        [*command, 'nothing.pth', *arguments], capture_output=True, text=True, check=False
    )
    assert done.returncode == 2
    assert 'nothing.pth does not exist' in done.stderr and 'Traceback' not in done.stderr
