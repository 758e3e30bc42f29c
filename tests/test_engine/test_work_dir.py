"""Two runs in one work dir: the second is refused; a dead one holds nothing."""

import os
import signal
import subprocess
import sys
import time

import pytest

from poodle_mm.engine.train import build_runner, training_config
from poodle_mm.engine.work_dir import LOCK_FILE, check_unused, lock_work_dir
from tests.test_engine.test_resume import iteration_based
from tests.test_engine.toy_pairs import toy_config

HOLDER = """
import os, sys, time
from poodle_mm.engine.work_dir import lock_work_dir
lock_work_dir(sys.argv[1])
if os.fork() == 0:  # as a data worker, which outlives its killed parent for some seconds
    time.sleep(30)
    os._exit(0)
print('held', flush=True)
time.sleep(60)
"""


def test_lock_is_released_by_the_kernel(tmp_path, repo):
    """After SIGKILL nothing of the first process runs any more that could release it."""
    env = dict(os.environ, PYTHONPATH=str(repo))
    holder = subprocess.Popen(
        [sys.executable, '-c', HOLDER, str(tmp_path)],
        env=env, stdout=subprocess.PIPE, text=True, start_new_session=True,
    )  # fmt: skip
    try:
        assert holder.stdout.readline() == 'held\n'
        message = rf'another run is training in {tmp_path} \(process {holder.pid} on '
        with pytest.raises(ValueError, match=message):
            lock_work_dir(tmp_path)
        holder.send_signal(signal.SIGKILL)
        holder.wait()
        for _ in range(50):
            try:
                lock_work_dir(tmp_path)
                break
            except ValueError:
                time.sleep(0.1)
        assert str(os.getpid()) in (tmp_path / LOCK_FILE).read_text()
        lock_work_dir(tmp_path)  # again in the same process
    finally:
        os.killpg(holder.pid, signal.SIGKILL)


def test_new_run_in_a_used_work_dir(tmp_path):
    cfg = toy_config(tmp_path / 'run')
    cfg.dump(tmp_path / 'toy.py')
    (tmp_path / 'run').mkdir()
    (tmp_path / 'run' / 'pretrained.pth').touch()  # no run's
    assert not training_config(tmp_path / 'toy.py').resume
    for number in (1, 2):
        (tmp_path / 'run' / f'epoch_{number}.pth').touch()
    with pytest.raises(ValueError, match=r'epoch_2\.pth and 1 more\): go on .* with --resume'):
        training_config(tmp_path / 'toy.py')
    check_unused(tmp_path / 'elsewhere')
    assert not training_config(tmp_path / 'toy.py', work_dir=str(tmp_path / 'elsewhere')).resume


def test_a_refused_run_leaves_the_other_ones_config(tmp_path, repo):
    """The lock is taken before anything is written."""
    cfg = toy_config(tmp_path)
    holder = subprocess.Popen(
        [sys.executable, '-c', HOLDER, str(tmp_path)],
        env=dict(os.environ, PYTHONPATH=str(repo)),
        stdout=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    try:
        assert holder.stdout.readline() == 'held\n'
        before = sorted(p.name for p in tmp_path.iterdir())
        with pytest.raises(ValueError, match='another run is training'):
            build_runner(cfg)
        assert sorted(p.name for p in tmp_path.iterdir()) == before
    finally:
        os.killpg(holder.pid, signal.SIGKILL)
        holder.wait()


def test_iteration_loops_run_on(tmp_path):
    """A finite sampler would make MMEngine resume at another sample."""
    cfg = toy_config(tmp_path, **iteration_based())
    cfg.train_dataloader.sampler.pop('infinite')
    assert build_runner(cfg).train_dataloader.sampler.infinite
