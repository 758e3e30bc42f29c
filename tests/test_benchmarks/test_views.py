"""The stage ``views``: its table, and what it measures."""

import pytest
import torch

from benchmarks import views
from benchmarks.result import Options


@pytest.fixture(scope='module')
def result():
    return views.run(Options(quick=True, repeats=1))


def test_all_contenders_are_in_the_table(result):
    names = [row.name for row in result.rows]
    assert names[:3] == [views.OURS, views.PLAIN, views.LOWER_BOUND]
    assert sum('torchvision uint8' in name for name in names) == 2
    assert all(len(row.seconds) == 1 and row.seconds[0] > 0 for row in result.rows)
    assert len(result.targets) == 2 and all(target.limit == '>= 3' for target in result.targets)
    for target, name in zip(result.targets, [n for n in names if 'torchvision uint8' in n]):
        assert target.value == pytest.approx(result.ratio(name, views.OURS))
    assert result.unit == 'pair' and result.as_dict()['rows'][0]['median'] > 0


def test_the_notes_tell_the_equality_and_all_parts(result):
    equality, profile, _ = result.notes
    assert 'differ by at most' in equality
    parts = ('brightness', 'contrast', 'saturation', 'hue', 'grayscale', 'blur', 'affine')
    assert all(part in profile for part in (*parts, 'subcrops', 'visible mask', 'normalise'))


def test_threads_and_the_global_generator_are_left_as_they_were(monkeypatch):
    monkeypatch.setattr(views, '_run', lambda options: torch.get_num_threads())
    before = torch.get_num_threads()
    torch.set_num_threads(2)
    try:
        assert views.run(Options(quick=True)) == 1
        assert torch.get_num_threads() == 2
    finally:
        torch.set_num_threads(before)
    state = torch.get_rng_state()
    baseline = views.TorchvisionViews(3, (0.1, 2.0), 1, 8)
    views._baseline(baseline, views._frames(1, (32, 32)), 1)()
    assert torch.equal(torch.get_rng_state(), state)


@pytest.mark.parametrize('pil', [False, True])
def test_the_baseline_makes_what_ours_makes(pil):
    frames = views._frames(1, (64, 96))[0]
    dense, crops = views.TorchvisionViews(5, (0.1, 2.0), 3, 32, pil)(frames)
    assert dense.shape == (2, 3, 64, 96) and crops.shape == (2, 3, 3, 32, 32)
    assert dense.dtype == crops.dtype == torch.float32
    assert -2.2 < dense.min() < 0 < dense.max() < 2.7


def test_paths_that_differ_are_an_error(monkeypatch):
    monkeypatch.setattr(views, 'TOLERANCE', 0.0)
    with pytest.raises(RuntimeError, match='fast and plain path differ'):
        views.run(Options(quick=True, repeats=1))
