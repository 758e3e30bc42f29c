"""What the run says about itself, against the run."""

import json
import subprocess
import sys
from pathlib import Path

import pytest
import torch
from mmengine.hooks import LoggerHook
from mmengine.runner import get_priority

from poodle_mm.engine.hooks import run_stats_hook as module
from poodle_mm.engine.hooks.run_stats_hook import RUN_STATS, RunStatsHook
from poodle_mm.utils.memory import peak_resident_mib


class Clock:
    """A clock that a test moves."""

    def __init__(self) -> None:
        self.now = 100.0

    def monotonic(self) -> float:
        return self.now


class FakeRunner:
    """What the hook looks at."""

    def __init__(self, work_dir, iteration: int = 0, max_iters: int = 8) -> None:
        self.work_dir, self.iter, self.max_iters = str(work_dir), iteration, max_iters
        self.rank, self.world_size = 0, 2
        views = dict(type='ImageViews')
        self.cfg = dict(train_dataloader=dict(dataset=dict(pipeline=[views])))


@pytest.fixture
def clock(monkeypatch):
    clock = Clock()
    monkeypatch.setattr(module, 'time', clock)
    return clock


def train(hook, runner, clock, seconds) -> None:
    hook.before_train(runner)
    for step in seconds:
        clock.now += step
        hook.after_train_iter(runner, 0, data_batch=dict(data_samples=[None] * 3), outputs={})
        runner.iter += 1


def read(tmp_path) -> dict:
    return json.loads((tmp_path / RUN_STATS).read_text())


def test_figures_by_hand(tmp_path, clock):
    """3 pairs on each of 2 processes; a slow first iteration and a hiccup do not count."""
    train(RunStatsHook(4, warmup=1), FakeRunner(tmp_path), clock, [9, 2, 2, 30, 2, 2, 2, 2])
    stats = read(tmp_path)
    assert stats['pairs'] == 8 * 6 and stats['iter'] == stats['max_iters'] == 8
    assert stats['pairs_per_second'] == 6 / 2
    assert stats['seconds'] == 51
    assert stats['processes'] == 2 and stats['unit'] == 'frames'
    assert stats['memory_mib'] > 50  # this process has torch in it


def test_written_on_the_way(tmp_path, clock):
    train(RunStatsHook(2, warmup=0), FakeRunner(tmp_path), clock, [1, 1, 1])
    assert read(tmp_path)['iter'] == 2


def test_resumed_run_counts_its_first_part(tmp_path, clock):
    """Killed after 6 iterations, the last checkpoint at 4: these took 4/6 of the time."""
    train(RunStatsHook(2, warmup=0), FakeRunner(tmp_path), clock, [3] * 6)
    assert read(tmp_path)['seconds'] == 18
    train(RunStatsHook(2, warmup=0), FakeRunner(tmp_path, iteration=4), clock, [5] * 4)
    stats = read(tmp_path)
    assert stats['seconds'] == 12 + 20
    assert stats['pairs'] == 48 and stats['pairs_per_second'] == 6 / 5


@pytest.mark.parametrize('content', ['', '[]', '{"iter": 0}', '{"iter": 3}', '{"seconds"'])
def test_damaged_file_does_not_stop_a_resumed_run(tmp_path, clock, content):
    (tmp_path / RUN_STATS).write_text(content)
    train(RunStatsHook(2, warmup=0), FakeRunner(tmp_path, iteration=4), clock, [5] * 4)
    assert read(tmp_path)['seconds'] == 20


def test_peak_of_a_gpu_outlives_the_log(tmp_path, clock, monkeypatch):
    """Per iteration 1, 7, 2, 3 MiB; the log of each second one resets torch's counter."""
    peaks = iter([1, 7, 2, 3])
    monkeypatch.setattr(torch.cuda, 'is_available', lambda: True)
    monkeypatch.setattr(torch.cuda, 'get_device_name', lambda: 'some GPU')
    monkeypatch.setattr(torch.cuda, 'max_memory_allocated', lambda: next(peaks) * 2**20)
    train(RunStatsHook(4), FakeRunner(tmp_path), clock, [1] * 4)
    assert read(tmp_path)['memory_mib'] == 7
    assert get_priority(RunStatsHook.priority) < get_priority(LoggerHook.priority)


def test_other_ranks_are_silent(tmp_path, clock):
    runner = FakeRunner(tmp_path)
    runner.rank = 1
    train(RunStatsHook(1), runner, clock, [1] * 8)
    assert not (tmp_path / RUN_STATS).exists()


def test_in_a_real_run(make_runner):
    """The runner calls it with what it expects."""
    runner = make_runner(default_hooks=dict(run_stats=dict(type='RunStatsHook', interval=1)))
    runner.train()
    stats = json.loads(Path(runner.work_dir, RUN_STATS).read_text())
    assert stats['iter'] == stats['max_iters'] == runner.max_iters
    assert stats['pairs'] == runner.max_iters * runner.train_dataloader.batch_size


def test_a_process_does_not_inherit_the_peak_of_its_parent():
    """Here are 300 MiB more; getrusage would begin the child's peak with all of ours."""
    ballast = bytearray(b'x') * (300 * 2**20)
    program = (
        'import importlib.util, sys\n'
        'from poodle_mm.utils.memory import peak_resident_mib\n'
        'before = peak_resident_mib()\n'
        'more = bytearray(b"x") * (200 * 2**20)\n'
        'print(before, peak_resident_mib())'
    )
    done = subprocess.run(
        [sys.executable, '-c', program], capture_output=True, text=True, check=True
    )
    before, after = map(float, done.stdout.split())
    assert after - before > 150
    assert peak_resident_mib() > len(ballast) / 2**20
