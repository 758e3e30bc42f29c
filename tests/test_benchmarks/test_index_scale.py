"""The simulated tree: what is measured is what training reads."""

import pytest

from benchmarks.index_scale import Case, measure, simulated_table
from poodle_mm.datasets.video.frame_table import FrameTable


def test_entries_and_time_stamps(tmp_path):
    videos = simulated_table(Case(50, True, 1, tmp_path))
    paths = [info.path for info in videos]
    assert len(paths) == 50 and paths == sorted(set(paths))
    for info in videos:
        assert isinstance(info.table, FrameTable) and len(info.table.pts) == info.frames
        assert abs(info.table.timestamps[-1] + 1 / 30 - info.duration) < 1e-9
        assert info.table.keyframes.tolist() == [0, 250, 471, 702, 951]
        assert (info.table.key_pts - info.table.key_dts == 1024).all()
    assert all(info.table is None for info in simulated_table(Case(5, False, 1, tmp_path)))


@pytest.mark.slow
def test_measure(tmp_path):
    found = measure(200, 2, tmp_path, accesses=1000)
    assert [rank['items'] for rank in found['videos']['ranks']] == [200, 200]
    # 40 s make four clips, of which each is visited 15 times; one that lasts 40.0 s has no rest
    for rank in found['clips']['ranks']:
        assert 200 * 4 * 15 <= rank['items'] <= 200 * 5 * 15
    for kind in ('videos', 'clips'):
        node = found[kind]['node']
        assert node['ranks'] == 128 and node['gib'] > 0
        assert found[kind]['bytes_per_file'] > 60
