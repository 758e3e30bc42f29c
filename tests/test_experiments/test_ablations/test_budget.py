"""Lengths of runs."""

import cv2
import numpy as np
import pytest
from mmengine.config import Config
from mmengine.runner import Runner

from poodle_mm.engine.config import load_config
from poodle_mm.engine.schedule import (
    epochs_of_a_pass,
    frames_per_item,
    length_options,
    unit_of,
)
from poodle_mm.experiments.ablations import budget as module
from poodle_mm.experiments.ablations.budget import (
    Budget,
    budget_options,
    pairs_per_epoch,
    pairs_per_step,
    parse_budget,
    timed_options,
)


@pytest.mark.parametrize(
    ('text', 'expected'),
    [
        ('10min', Budget(10, 'minutes')),
        ('0.5 minutes', Budget(0.5, 'minutes')),
        ('40', Budget(40, 'epochs')),
        ('40epochs', Budget(40, 'epochs')),
        ('6400pairs', Budget(6400, 'pairs')),
        ('12800frames', Budget(12800, 'frames')),
    ],
)
def test_parse(text, expected):
    assert parse_budget(text) == expected


@pytest.mark.parametrize('text', ['', 'ten', '10 hours', '-3', '0', '1e3'])
def test_parse_refuses(text):
    with pytest.raises(ValueError, match='write 10min, 6400pairs'):
        parse_budget(text)


@pytest.fixture
def by_iterations(repo):
    return load_config(repo / 'configs/ablations/scenes/poodle_r18_scenes_96x192.py')


@pytest.fixture
def by_epochs(repo):
    return load_config(repo / 'configs/ablations/bdd100k/poodle_r50_bdd_256x512_40e.py')


@pytest.mark.parametrize('data', ['scenes', 'camvid'])
def test_frames_of_clips_count(repo, data):
    """4 clips of 4 frames are as much as 16 single frames: the methods see equally many."""
    clips = load_config(repo / f'configs/dora/dora_vit-xs8_{data}_128x128.py')
    frames = load_config(repo / f'configs/byol/byol_r18_{data}_128x128.py')
    lengths = [
        budget_options(cfg, Budget(3200, 'frames'))['train_cfg.max_iters']
        for cfg in (clips, frames)
    ]
    assert lengths == [200, 200]


def test_pairs(by_iterations, monkeypatch):
    """16 pairs a step: 6400 pairs are 400 steps, 20 of them warm-up, a twentieth as before."""
    assert pairs_per_step(by_iterations) == 16
    assert budget_options(by_iterations, Budget(6400, 'pairs')) == {
        'train_cfg.max_iters': 400,
        'param_scheduler.0.begin': 0,
        'param_scheduler.0.end': 20,
        'param_scheduler.1.T_max': 380,
        'param_scheduler.1.begin': 20,
        'param_scheduler.1.end': 400,
    }
    monkeypatch.setattr(module, '_length', lambda cfg: 96)
    assert budget_options(by_iterations, Budget(10, 'epochs'))['train_cfg.max_iters'] == 60


@pytest.mark.parametrize(
    ('changes', 'frames'),
    [
        (dict(), 2),
        (dict(type='AnyClipDataset', num_frames=8), 8),
        (dict(pipeline=[dict(type='ImageViews')]), 1),
        (dict(pipeline=[dict(type='poodle_mm.ImageViews', frames='random')]), 1),
        (dict(pipeline=[dict(type='ImageViews', frames='pair')]), 2),
        (dict(num_frames=4, pipeline=[dict(type='ImageViews', frames='first')]), 1),
    ],
)
def test_frames(by_iterations, by_epochs, monkeypatch, changes, frames):
    """Methods that see more of an item get fewer of them; 16 items are a step."""
    dataset = by_iterations.train_dataloader.dataset
    dataset.update(changes)
    assert frames_per_item(dataset) == frames
    assert unit_of(dataset) == {1: 'frames', 2: 'pairs', 4: 'clips'}.get(frames, 'clips')
    assert frames_per_item(dict(type='MixedPairDataset', datasets=[dataset, dataset])) == frames
    parts = dict(dataset)
    pipeline = parts.pop('pipeline')  # of the mixture, as the configs of image methods have it
    mixture = dict(type='MixedPairDataset', datasets=[parts, parts], pipeline=pipeline)
    assert frames_per_item(mixture) == frames
    options = budget_options(by_iterations, Budget(12800, 'frames'))
    assert options['train_cfg.max_iters'] == 800 // frames
    monkeypatch.setattr(module, '_length', lambda cfg: 1000)
    by_epochs.train_dataloader.dataset.update(changes)
    options = budget_options(by_epochs, Budget(16000, 'frames'))
    assert options['train_cfg.max_epochs'] == 16 // frames


def test_epochs(by_epochs, monkeypatch):
    """An epoch of the loop is the paper's: ten pairs of each tenth video; all schedules follow."""
    options = budget_options(by_epochs, Budget(20, 'epochs'))
    assert options == {
        'train_cfg.max_epochs': 20,
        'param_scheduler.0.begin': 0,
        'param_scheduler.0.end': 2,  # 1.5
        'param_scheduler.1.T_max': 18,
        'param_scheduler.1.begin': 2,
        'param_scheduler.1.end': 20,
        'custom_hooks.0.schedule_epochs': 20,
    }
    assert pairs_per_step(by_epochs) == 40
    monkeypatch.setattr(module, '_length', lambda cfg: 1009)
    assert pairs_per_epoch(by_epochs) == 1000  # of 100 videos; the odd nine wait
    assert budget_options(by_epochs, Budget(8000, 'pairs'))['train_cfg.max_epochs'] == 8
    with pytest.raises(ValueError, match='less than one epoch'):
        budget_options(by_epochs, Budget(400, 'pairs'))


@pytest.mark.parametrize(
    ('repeats', 'parts', 'passes', 'pairs'), [(2, 1, 10, 2000), (2, 2, 20, 1000), (1, 4, 80, 250)]
)
def test_epochs_when_a_pass_is_not_one(by_epochs, monkeypatch, repeats, parts, passes, pairs):
    """20 of the paper's epochs: a pass of the loader is R / parts of them."""
    by_epochs.train_dataloader.dataset.repeats = repeats
    by_epochs.train_dataloader.sampler.parts = parts
    options = budget_options(by_epochs, Budget(20, 'epochs'))
    assert options['train_cfg.max_epochs'] == passes
    assert epochs_of_a_pass(by_epochs) == 20 / passes
    monkeypatch.setattr(module, '_length', lambda cfg: 1000)
    assert pairs_per_epoch(by_epochs) == pairs
    assert budget_options(by_epochs, Budget(20_000, 'pairs'))['train_cfg.max_epochs'] == passes


@pytest.mark.parametrize('parts', [1, 2])
def test_pairs_of_an_epoch_are_those_that_are_loaded(by_epochs, tmp_path, parts):
    """Counted one by one from a loader: six frames with a partner, two pairs each."""
    for i in range(7):
        cv2.imwrite(str(tmp_path / f'frame_{i}.png'), np.full((64, 96, 3), 40 * i, np.uint8))
    crop = dict(type='PairRandomCrop', area=(0.5, 1.0), size=(32, 32))
    by_epochs.train_dataloader = dict(
        batch_size=1,
        num_workers=0,
        sampler=dict(type='poodle_mm.PairSampler', parts=parts),
        collate_fn=dict(type='poodle_mm.frame_pair_collate'),
        dataset=dict(
            type='poodle_mm.MixedPairDataset',
            datasets=[
                dict(
                    type='FramePairDataset',
                    data_root=str(tmp_path),
                    source='frames',
                    delta=1,
                    repeats=2,
                    pipeline=[crop, dict(type='PackFramePair')],
                )
            ],
        ),
    )
    by_epochs.processes = 1
    loader = Runner.build_dataloader(by_epochs.train_dataloader, seed=0)
    batches = [len(batch['data_samples']) for batch in loader]
    assert sum(batches) == pairs_per_epoch(by_epochs) == 12 // parts
    assert set(batches) == {pairs_per_step(by_epochs)}


def test_schedules_that_stop_early_keep_their_share(repo):
    """The headline run stops at a third of its schedule; so does a shorter one."""
    options = length_options(load_config(repo / 'configs/poodle_r50_bdd.py'), 50)
    assert options['custom_hooks.0.schedule_epochs'] == 150
    assert options['param_scheduler.1.end'] == 150 and options['train_cfg.max_epochs'] == 50


def test_nothing_left_of_a_schedule(by_epochs):
    with pytest.raises(ValueError, match='nothing is left of CosineAnnealingLR'):
        length_options(by_epochs, 1)
    mixed = Config(dict(train_cfg=dict(max_iters=5), param_scheduler=[dict(type='LinearLR')]))
    with pytest.raises(ValueError, match='by_epoch'):
        length_options(mixed, 3)


def test_minutes_are_timed_once(by_iterations, by_epochs, tmp_path, monkeypatch):
    """A run that goes on later keeps its length, whatever the machine does then."""
    calls = []

    def steps_in(cfg, minutes):
        calls.append(minutes)
        return 100 * len(calls)

    monkeypatch.setattr(module, 'steps_in', steps_in)
    file = tmp_path / 'run' / 'length.json'
    for _ in range(2):
        options = timed_options(by_iterations, 10, 1, file)
        assert options['train_cfg.max_iters'] == 100
    assert timed_options(by_iterations, 20, 1, file)['train_cfg.max_iters'] == 200
    assert calls == [10, 20]
    with pytest.raises(ValueError, match='in epochs, pairs or frames'):
        timed_options(by_epochs, 10, 1, tmp_path / 'length.json')
    with pytest.raises(ValueError, match='timed'):
        budget_options(by_iterations, Budget(10, 'minutes'))
