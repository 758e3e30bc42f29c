"""Parts of the work: disjoint, together all of it, and numbered as the launchers number them."""

from argparse import ArgumentParser
from itertools import chain

import pytest
from hypothesis import given
from hypothesis import strategies as st

from poodle_mm.utils.shards import WHOLE, Shard, add_shard_option, parse_shard, shard_of_environment


@given(st.integers(1, 9), st.integers(0, 30))
def test_parts_are_disjoint_and_everything(count, number):
    items = list(range(number))
    for part in (Shard.of, Shard.run_of):
        parts = [list(part(Shard(index, count), items)) for index in range(count)]
        assert sorted(chain(*parts)) == items
        assert max(map(len, parts)) - min(map(len, parts)) <= 1
    assert list(chain(*parts)) == items  # runs follow each other


@pytest.mark.parametrize(
    ('environment', 'shard'),
    [
        ({}, WHOLE),
        (dict(RANK='3', WORLD_SIZE='8', LOCAL_RANK='1'), (3, 8)),
        (dict(SLURM_STEP_ID='0', SLURM_PROCID='2', SLURM_NTASKS='4'), (2, 4)),
        (dict(SLURM_JOB_ID='7', SLURM_STEP_ID='0', SLURM_PROCID='2', SLURM_NTASKS='4'), (2, 4)),
        # srun -n 3 in a job of 4
        (
            dict(
                SLURM_JOB_ID='7',
                SLURM_STEP_ID='0',
                SLURM_PROCID='2',
                SLURM_NTASKS='4',
                SLURM_STEP_NUM_TASKS='3',
            ),
            (2, 3),
        ),
        # a batch script's own call: there is no other process
        (dict(SLURM_JOB_ID='7', SLURM_PROCID='0', SLURM_NTASKS='4'), WHOLE),
        # and those of an interactive shell, which some versions number as a step
        (dict(SLURM_PROCID='0', SLURM_NTASKS='4'), WHOLE),
        (dict(SLURM_STEP_ID='4294967290', SLURM_PROCID='0', SLURM_NTASKS='4'), WHOLE),
        (dict(SLURM_STEP_ID='4294967291', SLURM_PROCID='0', SLURM_NTASKS='4'), WHOLE),
        # torchrun within srun
        (dict(RANK='9', WORLD_SIZE='16', SLURM_PROCID='1', SLURM_NTASKS='2'), (9, 16)),
    ],
)
def test_numbers_of_the_launchers(environment, shard):
    assert shard_of_environment(environment) == shard


def test_by_hand(monkeypatch, capsys):
    monkeypatch.setenv('RANK', '1')
    monkeypatch.setenv('WORLD_SIZE', '2')
    parser = ArgumentParser()
    add_shard_option(parser)
    assert parser.parse_args([]).shard == (1, 2)
    assert parser.parse_args(['--shard', '0/8']).shard == parse_shard('0/8') == (0, 8)
    for text, reason in (
        ('8/8', "'8/8' is no part i/n, i counted from 0: the parts of 8 are 0/8 to 7/8"),
        ('1', "'1' is no part i/n"),
        ('0/0', "'0/0' is no part i/n"),
        ('-1/4', "'-1/4' is no part i/n"),
    ):
        with pytest.raises(SystemExit):
            parser.parse_args([f'--shard={text}'])
        assert reason in capsys.readouterr().err


def test_a_part_does_not_pass_for_the_whole(monkeypatch, capsys):
    """The variables may be left from something else."""
    parser = ArgumentParser()
    add_shard_option(parser)
    assert parser.parse_args([]).shard == WHOLE
    assert not capsys.readouterr().err
    monkeypatch.setenv('RANK', '0')
    monkeypatch.setenv('WORLD_SIZE', '4')
    assert parser.parse_args([]).shard == (0, 4)
    assert 'part 0/4 and nothing else' in capsys.readouterr().err
    assert parser.parse_args(['--shard', '0/1']).shard == WHOLE
    assert not capsys.readouterr().err
    for rank in ('4', '-1', 'zero'):
        monkeypatch.setenv('RANK', rank)
        assert parser.parse_args(['--shard', '1/2']).shard == (1, 2)
        with pytest.raises(SystemExit):
            parser.parse_args([])
        assert f'RANK={rank} and WORLD_SIZE=4 number no part' in capsys.readouterr().err
