"""Logs of runs: parts of a resumed run, lines that were cut off, and the picture of several."""

import json

import numpy as np
import pytest

from poodle_mm.engine.run_log import read_log, write_curves
from poodle_mm.visualization.curves import draw_curves


def log(work_dir, part, rows, end=''):
    """Write a part as MMEngine does."""
    folder = work_dir / part / 'vis_data'
    folder.mkdir(parents=True)
    lines = [json.dumps(row) + '\n' for row in rows]
    (folder / 'scalars.json').write_text(''.join(lines) + end, encoding='utf-8')
    return work_dir


def row(step, **values):
    return dict(step=step, iter=step, time=0.1, **values)


def test_a_resumed_run_is_one_curve(tmp_path):
    """It went on from iteration 20: what came after in the first part was done again."""
    first = [row(10, loss_dense=4.0, lr=0.1), row(20, loss_dense=3.0), row(30, loss_dense=9.0)]
    log(tmp_path, '20260101_000000', first, end='{"step": 40, "loss_de')
    log(tmp_path, '20260102_000000', [row(25, loss_dense=2.0), row(35, loss_dense=1.0)])
    log(tmp_path, '20260103_000000', [])
    curves = read_log(tmp_path)
    assert set(curves) == {'loss_dense', 'lr'}
    steps, values = curves['loss_dense']
    assert steps.tolist() == [10, 20, 25, 35] and values.tolist() == [4, 3, 2, 1]
    assert curves['lr'][0].tolist() == [10]


def test_rows_of_validation_and_of_hooks(tmp_path):
    """Steps of validation count epochs; what a hook adds to an iteration replaces nothing."""
    log(tmp_path, '1', [row(10, loss_dense=4.0), row(20, loss_dense=3.0), dict(step=20, miou=0.5)])
    validation = dict(step=2, time=0.1, data_time=0.1, accuracy=0.9)
    log(tmp_path, '2', [row(30, loss_dense=2.0), validation, dict(step=30, miou=0.6)])
    curves = read_log(tmp_path)
    assert set(curves) == {'loss_dense', 'miou'}
    assert curves['loss_dense'][0].tolist() == [10, 20, 30]
    assert curves['miou'][0].tolist() == [20, 30]


def test_folders_without_a_log_are_named(tmp_path):
    with pytest.raises(FileNotFoundError, match='nowhere has no'):
        read_log(tmp_path / 'nowhere')
    with pytest.raises(ValueError, match='logs are empty'):
        read_log(log(tmp_path / 'a', '1', [], end='{'))
    with pytest.raises(ValueError, match='2 runs need as many different labels'):
        write_curves(['x/run', 'y/run'], tmp_path / 'out.png')
    assert not (tmp_path / 'out.png').exists()


def test_picture_and_numbers(tmp_path):
    a = log(tmp_path / 'a', '1', [row(n, loss_dense=4 / n, std_dense=0.9) for n in (1, 2, 3)])
    b = log(tmp_path / 'b', '1', [row(1, loss_dense=float('nan'), grad_norm=2.0)])
    out, numbers = tmp_path / 'pictures' / 'ab.png', tmp_path / 'ab.json'
    write_curves([a, b], out, ['first', 'second'], numbers)
    assert out.read_bytes().startswith(b'\x89PNG')
    found = json.loads(numbers.read_text())
    assert found['first']['loss_dense'] == [[1, 4.0], [2, 2.0], [3, 1.333]]
    assert found['second'] == dict(loss_dense=[[1, None]], grad_norm=[[1, 2.0]])


def test_curves_are_drawn_as_they_are():
    """Runs side by side on one scale; the momentum as its distance from 1; no empty rows."""
    steps = np.arange(1, 4)
    runs = {
        'a': dict(loss_dense=(steps, steps * 1.0), momentum=(steps, np.full(3, 0.75))),
        'b': dict(loss_dense=(steps, steps * 2.0)),
    }
    axes = draw_curves(runs).axes
    titles = [axis.get_title(loc='left') for axis in axes]
    assert titles[:2] == ['a: losses', 'b: losses'] and len(axes) == 4
    assert axes[0].get_ylim() == axes[1].get_ylim()
    assert axes[1].lines[0].get_ydata().tolist() == [2, 4, 6]
    assert axes[2].lines[0].get_ydata().tolist() == [0.25] * 3
    assert axes[2].get_yscale() == 'log'
    negative = dict(loss=(steps, steps * -1.0))  # beside a run that logs no loss at all
    low = draw_curves({'a': negative, 'b': dict(lr=(steps, steps))}).axes[0].get_ylim()[0]
    assert low < -3
    (alone,) = draw_curves({'a': dict(loss_dense=(steps, steps * 1.0))}).axes
    assert alone.get_title(loc='left') == 'losses'


def test_the_sum_of_losses_alone(tmp_path):
    """A method whose loss has no parts, as DINO; with parts the sum is left out."""
    alone = log(tmp_path / 'alone', 'x', [row(1, loss=2.0)])
    assert read_log(alone)['loss'][1].tolist() == [2]
    parts = log(tmp_path / 'parts', 'x', [row(1, loss=2.0, loss_dense=2.0)])
    assert set(read_log(parts)) == {'loss_dense'}
