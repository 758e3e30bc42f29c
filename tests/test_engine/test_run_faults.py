"""What is lost by a kill, a full disk, a dead worker or rank; and that resuming loses no more."""

from pathlib import Path

import pytest
import torch

from tests.test_engine.run_faults import BEGIN, END, FAULTS, outcome, run

pytestmark = pytest.mark.skipif(torch.cuda.is_available(), reason='equality on the CPU')

DOCS = Path(__file__).parents[2] / 'docs' / 'reliability.md'

# How the processes end, from where the run is resumed, iterations lost, and what is said. An epoch
# has four iterations; the fault comes in the sixth, or with the checkpoint after the eighth.
EXPECTED = {
    'SIGTERM (a cluster takes the machine)': ([143], 'stopped_iter_6.pth', 0, '--resume goes on'),
    'SIGKILL': ([-9], 'epoch_1.pth', 1, ''),
    'SIGKILL inside the write of a checkpoint': ([-9], 'epoch_1.pth', 4, ''),
    'disk full while a checkpoint is written': ([1], 'epoch_1.pth', 4, 'OSError: [Errno 2'),
    'SIGKILL of a data worker': ([1], 'epoch_1.pth', 1, 'is killed by signal: Killed'),
    'SIGKILL of one of two processes': ([1, -9], 'epoch_1.pth', 1, ''),
}


@pytest.fixture(scope='module')
def through(tmp_path_factory):
    """A function that gives the last checkpoint of an uninterrupted run of so many processes."""
    folder, made = tmp_path_factory.mktemp('through'), {}

    def get(ranks: int) -> Path:
        if ranks not in made:
            assert not any(run(folder / str(ranks), ranks=ranks))
            made[ranks] = folder / str(ranks) / 'run' / 'epoch_2.pth'
        return made[ranks]

    return get


@pytest.mark.parametrize('name', FAULTS)
def test_resumed_after_a_fault_equals_uninterrupted(name, tmp_path, through):
    exits, kept, lost, said = EXPECTED[name]
    result = outcome(name, tmp_path, through(FAULTS[name][1].get('ranks', 1)))
    assert result.equal
    assert (result.exits, result.kept) == (exits, kept)
    # a dead worker is noticed when a batch of its own is due, on a busy machine one step later
    assert lost <= result.lost <= lost + (name == 'SIGKILL of a data worker')
    assert said in result.said


def test_docs_have_every_fault():
    table = DOCS.read_text(encoding='utf-8').split(BEGIN)[1].split(END)[0]
    rows = [line.split(' | ') for line in table.splitlines() if line.startswith('| ')][1:]
    told = {row[0].removeprefix('| '): (row[2].strip('`'), int(row[3])) for row in rows}
    assert told == {name: (kept, lost) for name, (_, kept, lost, _) in EXPECTED.items()}
    assert all('bit for bit' in row[4] for row in rows)
