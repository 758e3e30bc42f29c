"""The lines of docs/hardware.md give the batch and take the memory that their table says."""

import re
from functools import cache

import pytest
from mmengine.config import Config

from benchmarks.footprint import FakeStep, crop_size
from poodle_mm.engine.config import load_config
from poodle_mm.engine.schedule import repeats_of
from tests.conftest import REPO

PAGE = (REPO / 'docs' / 'hardware.md').read_text(encoding='utf-8')
ROWS = re.findall(r'^\|[^|]*\| \[(\d)\].*?\|(.*)\|$', PAGE, flags=re.MULTILINE)


def line(number: str) -> str:
    """The command of a numbered line; the first one if there are several."""
    return re.search(rf'### Line {number}\n.*?```bash\n(.*?)\n', PAGE, flags=re.DOTALL)[1]


def processes(command: str) -> int:
    if '/train.py' in command:
        return 1
    if '/slurm_train.sh' in command:
        return int(re.search(r'\bGPUS=(\d+)', command)[1])
    nodes = re.search(r'NNODES=(\d+)', command)
    return int(re.search(r'\.py (\d+)', command)[1]) * (int(nodes[1]) if nodes else 1)


def config(command: str) -> Config:
    options = re.findall(r'(\S+)=(\d+)', command.partition('--cfg-options')[2])
    return load_config(
        REPO / re.search(r'configs/\S+\.py', command)[0], {k: int(v) for k, v in options}
    )


@cache
def gib(pairs: int, amp: bool, gpus: int) -> float:
    cfg = config(line('5'))
    cfg.model.data_preprocessor.flow.num_updates = 1  # needs less memory than the step anyway
    return FakeStep(cfg, amp).footprint(pairs, crop_size(cfg), gpus).total / 2**30


def test_every_line_has_its_row():
    assert [number for number, _ in ROWS] == list('1234567')
    assert len(re.findall(r'^### Line', PAGE, flags=re.MULTILINE)) == len(ROWS)


@pytest.mark.parametrize(('number', 'cells'), ROWS)
def test_a_line_has_the_batch_of_its_row(number, cells):
    pairs, accumulated, gpus, total = map(int, cells.split('|')[:4])
    command = line(number)
    cfg = config(command)
    loader = cfg.train_dataloader
    assert loader.batch_size * repeats_of(loader.dataset) == pairs
    assert cfg.optim_wrapper.get('accumulative_counts', 1) == accumulated
    assert processes(command) == gpus
    assert pairs * accumulated * gpus == total == cfg.auto_scale_lr.base_batch_size


@pytest.mark.parametrize(('number', 'cells'), ROWS)
def test_a_line_takes_the_memory_of_its_row(number, cells):
    pairs, _, gpus, _, memory = cells.split('|')
    found = gib(int(pairs), '--amp' in line(number), int(gpus))
    assert found == pytest.approx(float(memory), abs=0.06)
