"""Two gloo processes: rank 0 alone scans, both get the index or the error."""

import os
from pathlib import Path

import torch.distributed as dist
import torch.multiprocessing as mp

from poodle_mm.datasets import FramePairDataset
from poodle_mm.datasets.video import index as video_index
from poodle_mm.utils.columns import map_columns


def _raw(results: dict) -> dict:
    return results


def _rank(rank: int, root: str, rendezvous: str, folder: str) -> None:
    dist.init_process_group('gloo', f'file://{rendezvous}', rank=rank, world_size=2)
    scan, opened = video_index.scan_video, []

    def spy(info, **kwargs):
        opened.append(info.path)
        return scan(info, **kwargs)

    video_index.scan_video = spy
    dataset = FramePairDataset(root, pipeline=[_raw])
    pairs = [dataset[(0, i)] for i in range(len(dataset))]
    clips = FramePairDataset(root, 'clips', delta=5, clip_seconds=0.7, pairs_per_clip=2)
    cut = [clips.get_data_info(i) for i in range(len(clips))]
    # a rank that sees an older file, as on another machine, gets what rank 0 has
    if rank == 1:
        video_index.map_columns = lambda *args: map_columns(Path(root, 'older.npz'), *args[1:])
    sent = FramePairDataset(root)
    assert (sent.source._videos.columns.path is None) == (rank == 1)
    same = [sent.get_data_info(i) == dataset.get_data_info(i) for i in range(len(dataset))]
    lines = [f'{len(opened)}', *(f'{p["source_id"]} {p["frame_ids"]} {p["seed"]}' for p in pairs)]
    lines += [f'{cut}', f'{same}']
    try:
        FramePairDataset(os.path.join(root, 'nowhere'))
    except FileNotFoundError as error:
        lines.append(str(error))
    Path(folder, str(rank)).write_text('\n'.join(lines))
    dist.destroy_process_group()


def test_one_index_for_two_ranks(tree, tmp_path):
    FramePairDataset(tree, index_cache=tree / 'older.npz', data_prefix=dict(path='day1'))
    mp.spawn(_rank, (str(tree), str(tmp_path / 'rendezvous'), str(tmp_path)), nprocs=2)
    first, second = ((tmp_path / str(rank)).read_text().splitlines() for rank in range(2))
    assert (first[0], second[0]) == ('8', '0')  # each file for both indexes
    assert first[1:] == second[1:] and len(first) == 8
    assert first[-2] == '[True, True, True, True]' and first[-3].count("'clip'") > 8
    assert 'nowhere: no such folder' in first[-1]
