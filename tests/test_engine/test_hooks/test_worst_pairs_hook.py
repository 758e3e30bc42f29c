"""The worst pairs of a run: the right ones, in a whole file, and training does not notice."""

import json
from types import SimpleNamespace

import cv2
import pytest
import torch

from poodle_mm.datasets import FramePairSample
from poodle_mm.engine.hooks.worst_pairs_hook import WORST_PAIRS, WorstPairsHook


def sample(source: str) -> FramePairSample:
    return FramePairSample(metainfo=dict(source=source, frame_ids=(3, 9), seed=11))


class Runner:
    """What the hook looks at; its model leaves the numbers that a test sets."""

    rank, max_iters = 0, 100

    def __init__(self, folder) -> None:
        self.work_dir, self.iter = str(folder), 0
        self.model = torch.nn.Linear(1, 1)
        self.train_dataloader = SimpleNamespace(dataset=None)


def feed(hook, runner, sources, **numbers):
    """An iteration with a pair of each source."""
    runner.model.of_pairs = {name: torch.tensor(value) for name, value in numbers.items()}
    inputs = torch.zeros(len(sources), 2, 3, 32, 32, dtype=torch.uint8)
    batch = dict(inputs=inputs, data_samples=[sample(source) for source in sources])
    hook.after_train_iter(runner, 0, batch, {})
    runner.iter += 1


def kept(hook, name):
    return [(pair['source'], pair['iter']) for pair in hook.worst[name]]


def test_least_share_and_most_fallback(tmp_path):
    hook, runner = WorstPairsHook(keep=2, interval=1000), Runner(tmp_path)
    hook.before_train(runner)
    one = dict(loss_dense=[1.0] * 3)
    feed(hook, runner, 'abc', valid_share=[0.5, 0.2, 0.4], fallback_share=[0.0, 0.25, 0.0], **one)
    feed(hook, runner, 'bcd', valid_share=[0.1, 0.6, 0.3], fallback_share=[0.0, 0.5, 0.25], **one)
    assert kept(hook, 'valid_share') == [('b', 2), ('d', 2)]  # b once: its worst
    assert kept(hook, 'fallback_share') == [('c', 2), ('b', 1)]  # none without any; first of equals
    assert hook.worst['valid_share'][0]['text'] == '10.0% of the pixels'


def test_loss_is_held_against_what_is_usual(tmp_path):
    """Losses of 4 are usual at first; later one of 2 is four times the usual."""
    hook, runner = WorstPairsHook(keep=1, interval=1000, memory=0.5), Runner(tmp_path)
    hook.before_train(runner)
    feed(hook, runner, 'ab', loss_dense=[4.0, 4.0], loss_pool=[0.0, 0.5])
    for _ in range(12):
        feed(hook, runner, 'cd', loss_dense=[0.25, 0.25], loss_pool=[0.25, 0.25])
    feed(hook, runner, 'ef', loss_dense=[1.5, 0.5], loss_pool=[0.5, 0.0])
    assert kept(hook, 'loss') == [('e', 14)]
    assert hook.worst['loss'][0]['rank'] == pytest.approx(4, rel=0.01)
    feed(hook, runner, 'gh', loss_dense=[float('nan'), 9.0])  # a broken step is told elsewhere
    assert kept(hook, 'loss') == [('e', 14)]


def test_models_without_numbers_and_other_ranks(tmp_path):
    hook, runner = WorstPairsHook(interval=1), Runner(tmp_path)
    hook.before_train(runner)
    hook.after_train_iter(runner, 0, dict(inputs=[], data_samples=[]), {})
    hook.after_train_iter(runner, 0, [1], {})
    runner.rank = 1
    feed(hook, runner, 'a', valid_share=[0.1], loss_dense=[1.0])
    assert not any(hook.worst.values()) and not list(tmp_path.iterdir())


def test_training_is_not_changed(make_runner, tmp_path):
    """Weights and generators; the file has the pairs' own numbers and a picture of each."""
    states = []
    for name, options in (('without', {}), ('with', dict(worst=dict(type='WorstPairsHook')))):
        runner = make_runner(name, default_hooks=options)
        views = runner.model.data_preprocessor.forward
        runner.model.data_preprocessor.forward = lambda *args, f=views: torch.rand(()) and f(*args)
        runner.train()
        states.append((runner.model.state_dict(), torch.get_rng_state()))
    (weights, generator), (weights2, generator2) = states
    assert all(torch.equal(weights[name], weights2[name]) for name in weights)
    assert torch.equal(generator, generator2)
    content = json.loads((tmp_path / 'with' / WORST_PAIRS).read_text())
    assert content['iter'] == 8 and content['unreadable'] == {}
    pairs = [pair for pairs in content['criteria'].values() for pair in pairs]
    assert len(content['criteria']['valid_share']) == len(content['criteria']['loss']) == 4
    assert all(pair['source'] == f'toy_{pair["seed"]}' for pair in pairs)
    files = sorted(p.name for p in (tmp_path / 'with' / 'worst_pairs').iterdir())
    assert files == sorted({pair['picture'].split('/')[1] for pair in pairs})
    assert cv2.imread(str(tmp_path / 'with' / pairs[0]['picture'])).shape == (384, 768, 3)
    assert not (tmp_path / 'without' / WORST_PAIRS).exists()


@pytest.mark.parametrize('content', ['', '[]', '{"criteria": {"loss": [1]}}', '{"criteria": 3}'])
def test_a_resumed_run_goes_on(tmp_path, content):
    first, runner = WorstPairsHook(keep=2, interval=1), Runner(tmp_path)
    runner.model.data_preprocessor = lambda data, training: dict(
        inputs=dict(
            frames=data['inputs'].transpose(0, 1).float(),
            flow=torch.zeros(2, 1, 2, 32, 32),
            visible=torch.ones(2, 1, 32, 32, dtype=torch.bool),
        )
    )
    first.before_train(runner)
    feed(first, runner, 'ab', valid_share=[0.1, 0.2], loss_dense=[1.0, 1.0])
    again = WorstPairsHook(keep=2, interval=1)
    again.before_train(runner)
    feed(again, runner, 'c', valid_share=[0.15], loss_dense=[1.0])
    assert kept(again, 'valid_share') == [('a', 1), ('c', 2)]
    (tmp_path / WORST_PAIRS).write_text(content)
    damaged = WorstPairsHook()
    damaged.before_train(runner)
    assert not any(damaged.worst.values())
