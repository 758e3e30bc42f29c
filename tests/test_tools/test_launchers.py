"""Two processes train, started by torchrun or by train.py; srun is asked for the right thing."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
import torch

from poodle_mm.engine.train import build_runner
from tests.test_engine.test_resume import assert_equal_checkpoints
from tests.test_engine.toy_pairs import toy_config


def train(repo, config: Path, *command: str) -> Path:
    """Run a training to its end.

    Returns:
        Its last checkpoint.
    """
    env = dict(os.environ, PYTHONPATH=str(repo), OMP_NUM_THREADS='1', PYTHON=sys.executable)
    result = subprocess.run(
        command, cwd=config.parent, env=env, capture_output=True, text=True, timeout=500
    )
    assert result.returncode == 0, result.stderr[-3000:]
    return config.parent / 'run' / 'epoch_2.pth'


@pytest.mark.slow
@pytest.mark.skipif(torch.cuda.is_available(), reason='the CPU path')
def test_two_processes_train(repo, tmp_path):
    """4 samples on 2 processes by 2 are one iteration an epoch: two steps in all.

    ``processes = 2`` without a launcher does the same, bit for bit; resumed, it is finished.
    """
    paths = []
    for name, options in (('torchrun', {}), ('alone', dict(processes=2))):
        work_dir = tmp_path / name / 'run'
        cfg = toy_config(work_dir, sync_bn='torch', **options)
        cfg.train_dataloader.dataset.length = 4
        if name == 'torchrun':  # dist_train.sh sees that gloo is wanted
            cfg.env_cfg = dict(dist_cfg=dict(backend='nccl'))
        work_dir.parent.mkdir()
        cfg.dump(tmp_path / name / 'toy.py')
        paths.append(tmp_path / name / 'toy.py')
    script, tool = (str(repo / 'tools' / file) for file in ('dist_train.sh', 'train.py'))
    launched = train(repo, paths[0], 'bash', script, 'toy.py', '2')
    checkpoint = torch.load(launched, weights_only=False)
    assert checkpoint['meta']['iter'] == 2
    assert int(checkpoint['state_dict']['target.steps']) == 2
    half = ['--cfg-options', 'train_cfg.max_epochs=1']
    alone = train(repo, paths[1], sys.executable, tool, 'toy.py', *half)
    assert not alone.exists()
    train(repo, paths[1], sys.executable, tool, 'toy.py', '--resume')
    assert torch.load(alone, weights_only=False)['meta']['world']['processes'] == 2
    assert_equal_checkpoints(launched, alone)


@pytest.mark.parametrize(('launcher', 'backend'), [('pytorch', 'nccl'), ('slurm', 'gloo')])
def test_processes_that_need_a_gpu(tmp_path, monkeypatch, launcher, backend):
    monkeypatch.setattr(torch.cuda, 'is_available', lambda: False)
    dist = dict(dist_cfg=dict(backend=backend))
    cfg = toy_config(tmp_path, launcher=launcher, env_cfg=dist)
    with pytest.raises(ValueError, match=f'no GPU found: launcher {launcher!r} .*{backend!r}'):
        build_runner(cfg)


def torchrun(repo, tmp_path, *options: str, gpu: bool = False, **variables: str):
    """torchrun's command, and stderr."""
    fake = tmp_path / 'python'
    fake.write_text(f'#!/bin/sh\n[ "$1" = -c ] && echo {gpu} || printf "%s\\n" "$@"\n')
    fake.chmod(0o755)
    script = str(repo / 'tools' / 'dist_train.sh')
    result = subprocess.run(
        ['bash', script, 'c.py', '2', *options],
        env=dict(os.environ, PYTHON=str(fake), **variables),
        capture_output=True,
        text=True,
        check=True,
    )
    words = result.stdout.splitlines()
    assert words[:2] == ['-m', 'torch.distributed.run'] and '--nproc_per_node=2' in words
    return words, result.stderr


def dist_train(repo, tmp_path, gpu: bool, *options: str, **variables: str) -> tuple[list[str], str]:
    """What follows ``--launcher pytorch`` in torchrun's command, and stderr."""
    words, said = torchrun(repo, tmp_path, *options, gpu=gpu, **variables)
    return words[words.index('--launcher') + 2 :], said


GLOO = 'env_cfg.dist_cfg.backend=gloo'


def test_without_a_gpu_gloo_joins_the_other_options(repo, tmp_path):
    """argparse keeps the last --cfg-options only, and a later key wins: the user's."""
    ours = ['--cfg-options', GLOO]
    words, said = dist_train(repo, tmp_path, False)
    assert words == ours
    assert said == f'no GPU found: 2 processes on the CPU, --cfg-options {GLOO}\n'
    words, _ = dist_train(repo, tmp_path, False, '--cfg-options', 'a=1 2', 'b=3', '--amp')
    assert words == [*ours, *ours, 'a=1 2', 'b=3', '--amp']
    words, _ = dist_train(repo, tmp_path, False, '--amp', '--cfg-options=a=1', '--resume')
    assert words == [*ours, '--amp', *ours, 'a=1', '--resume']


def test_any_free_port_or_the_one_that_is_named(repo, tmp_path):
    """Two runs on one machine do not meet at one port."""

    def meeting(**variables: str) -> list[str]:
        words, _ = torchrun(repo, tmp_path, **variables)
        return words[2 : words.index('--nproc_per_node=2')]

    assert meeting() == ['--standalone']
    one = ['--nnodes=1', '--node_rank=0', '--master_addr=127.0.0.1', '--master_port=7']
    assert meeting(PORT='7') == one
    two = ['--nnodes=2', '--node_rank=1', '--master_addr=a', '--master_port=29500']
    assert meeting(NNODES='2', NODE_RANK='1', MASTER_ADDR='a') == two


def test_with_a_gpu_or_several_machines_nothing_is_added(repo, tmp_path):
    assert dist_train(repo, tmp_path, True, '--amp') == (['--amp'], '')
    assert dist_train(repo, tmp_path, False, '--amp', NNODES='2') == (['--amp'], '')


def slurm(repo, tmp_path, *arguments, **variables) -> list[str]:
    """What a fake srun is called with."""
    fake = tmp_path / 'srun'
    fake.write_text('#!/bin/sh\nprintf "%s\\n" "$@"\n')
    fake.chmod(0o755)
    env = dict(os.environ, PATH=f'{tmp_path}:{os.environ["PATH"]}', PYTHON='python3', **variables)
    script = str(repo / 'tools' / 'slurm_train.sh')
    result = subprocess.run(
        ['bash', script, *arguments], env=env, capture_output=True, text=True, check=True
    )
    return result.stdout.splitlines()


def test_slurm_defaults(repo, tmp_path):
    assert slurm(repo, tmp_path, 'gpu', 'job one', 'a b.py', '--resume', '--amp') == [
        '--partition=gpu',
        '--job-name=job one',
        '--gres=gpu:8',
        '--ntasks=8',
        '--ntasks-per-node=8',
        '--cpus-per-task=5',
        '--kill-on-bad-exit=1',
        'python3',
        '-u',
        str(repo / 'tools' / 'train.py'),
        'a b.py',
        '--launcher',
        'slurm',
        '--resume',
        '--amp',
    ]


@pytest.mark.parametrize(('gpus', 'per_node', 'nodes'), [('16', '4', '4'), ('2', '8', '2')])
def test_slurm_several_nodes(repo, tmp_path, gpus, per_node, nodes):
    line = slurm(
        repo, tmp_path, 'p', 'j', 'c.py',
        GPUS=gpus, GPUS_PER_NODE=per_node, CPUS_PER_TASK='9', SRUN_ARGS='--time=1 --qos=x',
    )  # fmt: skip
    assert line[2:9] == [
        f'--gres=gpu:{nodes}',
        f'--ntasks={gpus}',
        f'--ntasks-per-node={nodes}',
        '--cpus-per-task=9',
        '--kill-on-bad-exit=1',
        '--time=1',
        '--qos=x',
    ]


@pytest.mark.parametrize('script', ['dist_train.sh', 'slurm_train.sh'])
def test_usage(repo, script):
    result = subprocess.run(['bash', repo / 'tools' / script], capture_output=True, text=True)
    assert result.returncode == 2
    assert result.stderr.startswith('usage: ')
