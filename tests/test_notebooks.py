"""The notebooks are stored clean, and run from top to bottom on tiny data."""

import os
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from poodle_mm.apis import load_encoder

nbformat = pytest.importorskip('nbformat')
NOTEBOOKS = sorted((Path(__file__).resolve().parents[1] / 'examples').glob('*.ipynb'))
TINY = dict(SCENES=2, SIZE=(108, 192), ITERATIONS=4, BATCH=2, LOOK_SIZE=(64, 96))


@pytest.fixture(scope='module')
def folder(tmp_path_factory) -> Path:
    """Working folder of both notebooks."""
    return tmp_path_factory.mktemp('a notebook')


def execute(name: str, folder: Path, **parameters) -> dict[str, list]:
    """Run a notebook of ``examples/`` by a kernel in ``folder``; outputs by cell."""
    client = pytest.importorskip('nbclient')
    pytest.importorskip('ipykernel')
    (path,) = (p for p in NOTEBOOKS if p.stem == name)
    notebook = nbformat.read(path, 4)
    first = code_cells(notebook)[0]
    for parameter, value in parameters.items():
        assert re.search(rf'^([\w, ]+, )?{parameter}(, [\w, ]+)? = ', first.source, re.M)
        first.source += f'\n{parameter} = {value!r}'
    search = [str(path.parents[1]), os.environ.get('PYTHONPATH', '')]
    env = dict(os.environ, PYTHONPATH=os.pathsep.join(search), OMP_NUM_THREADS='1')
    where = dict(metadata=dict(path=str(folder)))
    kernel = client.NotebookClient(notebook, timeout=600, resources=where)
    kernel.execute(env=env | dict(IPYTHONDIR=str(folder / 'ipython')))
    return {cell.id: cell.outputs for cell in code_cells(notebook)}


def code_cells(notebook) -> list:
    return [cell for cell in notebook.cells if cell.cell_type == 'code']


def pictures(outputs: dict[str, list]) -> Iterator[str]:
    """Cells that show a picture."""
    for cell, shown in outputs.items():
        yield from (cell for output in shown if 'image/png' in output.get('data', {}))


def text(outputs: list) -> str:
    return ''.join(output.get('text', '') for output in outputs)


@pytest.mark.parametrize('path', NOTEBOOKS, ids=lambda p: p.stem)
def test_stored_without_results(path):
    notebook = nbformat.read(path, nbformat.NO_CONVERT)
    nbformat.validate(notebook)
    ids = [cell.id for cell in notebook.cells]
    assert len(set(ids)) == len(ids)
    assert all(re.fullmatch('[a-z-]+', name) for name in ids)  # words: no tool's random ones
    cells = code_cells(notebook)
    assert not any(cell.outputs or cell.execution_count for cell in cells)
    tagged = [cell.id for cell in notebook.cells if 'parameters' in cell.metadata.get('tags', [])]
    assert tagged == [cells[0].id]
    assert not any('attachments' in cell for cell in notebook.cells)


@pytest.mark.parametrize('path', NOTEBOOKS, ids=lambda p: p.stem)
def test_text(path):
    """Links lead somewhere, and lines are not too long."""
    cells = nbformat.read(path, 4).cells
    prose = '\n'.join(cell.source for cell in cells if cell.cell_type == 'markdown')
    for link in re.findall(r'\]\(([^)#\s]+)', prose):
        assert '://' in link or (path.parent / link).exists(), link
    for name in re.findall(r'`([\w/]+\.(?:py|ipynb))`', prose):
        assert (path.parent / name).exists() or (path.parents[1] / name).exists(), name
    assert max(map(len, prose.split('\n'))) <= 120


@pytest.mark.slow
def test_pretrain_on_a_clip(folder):
    outputs = execute('pretrain_on_a_clip', folder, **TINY)
    drawn = ['read-clips', 'draw-pair', 'draw-curves', 'draw-features', 'draw-neighbours']
    assert list(pictures(outputs)) == drawn
    said = text(outputs['run-pretraining'])
    assert '2 files, 5 s, 30 samples' in said and '[4/4]' in said
    (run,) = (folder / 'work_dirs/clip').iterdir()
    (published,) = run.glob('encoder-*.pth')
    assert load_encoder(published).channels == 128
    assert (run / 'iter_4.pth').is_file()


@pytest.mark.slow
def test_features_of_your_video(folder):
    """With the checkpoint that the other notebook left, if it ran."""
    runs = [*folder.glob('work_dirs/clip/*/iter_4.pth')]
    outputs = execute('features_of_your_video', folder, SIZE=(96, 160), FRAMES=3)
    said = text(outputs['load-encoder'])
    assert (str(runs[0].relative_to(folder)) if runs else 'random weights') in said
    assert '3 maps of (128, 12, 20); a cell covers 8 x 8 pixels' in text(
        outputs['compute-features']
    )
    assert list(pictures(outputs)) == ['draw-pca', 'draw-similarity', 'draw-neighbours']
