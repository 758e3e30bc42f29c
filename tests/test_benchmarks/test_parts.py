"""Counting bytes, taking turns, limits, and the model on paper."""

import importlib.util
import sys

import pytest
import torch
from torch import nn

from benchmarks.activations import kept_bytes
from benchmarks.cluster import Cluster, batch_norm_traffic, gradient_bytes, step_share
from benchmarks.report import add_to_report
from benchmarks.result import Measurement, StageResult, Target
from benchmarks.startup import run_program
from benchmarks.timing import take_turns


def test_a_linear_layer_keeps_its_input():
    layer, x = nn.Linear(4, 8), torch.randn(10, 4, requires_grad=True)
    assert kept_bytes(lambda: layer(x), layer.parameters()) == 4 * 10 * 4
    assert kept_bytes(lambda: layer(x)) == 4 * (10 * 4 + 4 * 8)


def test_what_two_keep_counts_once_and_views_count_whole():
    x = torch.randn(10, 4, requires_grad=True)

    def forward():
        y = x.exp()  # keeps its result, and so does its square, and a view of it
        return y.square().sum() + y[:2].square().sum()

    assert kept_bytes(forward) == 4 * 40


def test_nothing_is_kept_without_gradient():
    x = torch.randn(10, 4, requires_grad=True)
    with torch.no_grad():
        assert kept_bytes(lambda: x.exp().square()) == 0


def test_turns_alternate_and_the_first_round_does_not_count():
    calls = []
    seconds = take_turns({name: lambda n=name: calls.append(n) for name in 'ab'}, 3, warmup=1)
    assert calls == ['a', 'b'] * 4
    assert {name: len(times) for name, times in seconds.items()} == dict(a=3, b=3)


def test_what_does_not_fit_is_left_out_and_said(tmp_path, monkeypatch):
    calls = []
    monkeypatch.setattr('torch.cuda.empty_cache', lambda: calls.append('emptied'))

    def too_large():
        calls.append('large')
        raise torch.OutOfMemoryError

    seconds = take_turns(dict(large=too_large, small=lambda: calls.append('small')), 2, warmup=1)
    assert calls == ['large', 'emptied', 'small', 'small', 'small']
    rows = [Measurement(name, times) for name, times in seconds.items()]
    add_to_report(tmp_path, StageResult('x', 'X', 'work', 'step', rows), 'cpu', 'python')
    assert '| large | out of memory |  |' in (tmp_path / 'benchmark_cpu.md').read_text()


@pytest.mark.parametrize(
    ('value', 'limit', 'met'),
    [(1.25, '<= 1.25', True), (1.26, '<= 1.25', False), (3, '>= 3', True), (2.9, '>= 3', False)],
)
def test_limits(value, limit, met):
    assert Target('', value, limit).met is met


def test_traffic_by_hand():
    """One layer in the encoder (views and subcrops: twice), one in the neck; their targets."""
    parts = dict(backbone=nn.BatchNorm2d(4), neck=nn.BatchNorm2d(8))
    model = nn.ModuleDict(
        dict(
            parts,
            target=nn.ModuleDict({k: nn.BatchNorm2d(v.num_features) for k, v in parts.items()}),
        )
    )
    model['target'].requires_grad_(False)
    assert gradient_bytes(model) == 4 * 2 * (4 + 8)
    calls, size = batch_norm_traffic(model)
    # forward: encoder 2 + target's 2, neck 1 + 1; backward, online only: 2 + 1
    assert calls == 6 + 3
    assert size == 4 * (4 * (2 * 4 + 1) + 2 * (2 * 8 + 1) + 2 * 2 * 4 + 2 * 8)


def test_share_by_hand():
    cluster = Cluster(gpus_per_node=8, node_bandwidth=100e9, latency=1e-5)
    assert step_share(8, 10**9, 100, cluster) == (0, pytest.approx(1e-3))
    ring, norms = step_share(32, 10**9, 100, cluster)
    assert ring == pytest.approx(2 * 3 / 4 * 1e9 / 100e9) and norms == pytest.approx(1e-3)


def test_failed_process_says_why():
    with pytest.raises(RuntimeError, match='ZeroDivisionError'):
        run_program('1 / 0')


@pytest.mark.parametrize(
    ('arguments', 'words'),
    [
        (['los'], "invalid choice: 'los'"),
        (['loss', '--repeats', '0'], "--repeats: '0' is not an integer from 1"),
        (['loader', '--video', 'none.mp4'], 'none.mp4: no such file'),
        (['loader', '--device', 'cuda'], 'loader: measured on the CPU only'),
    ],
)
def test_bad_arguments(repo, monkeypatch, capsys, arguments, words):
    spec = importlib.util.spec_from_file_location('benchmark', repo / 'tools' / 'benchmark.py')
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    monkeypatch.setattr(sys, 'argv', ['benchmark.py', *arguments])
    with pytest.raises(SystemExit):
        module.main()
    assert words in capsys.readouterr().err
