"""Two gloo processes: rank 0 alone scans, both get the index or the error."""

import os
from pathlib import Path

import torch.distributed as dist
import torch.multiprocessing as mp

from poodle_mm.datasets import FramePairDataset
from poodle_mm.datasets.video import index as video_index


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
    lines = [f'{len(opened)}', *(f'{p["source_id"]} {p["frame_ids"]} {p["seed"]}' for p in pairs)]
    try:
        FramePairDataset(os.path.join(root, 'nowhere'))
    except FileNotFoundError as error:
        lines.append(str(error))
    Path(folder, str(rank)).write_text('\n'.join(lines))
    dist.destroy_process_group()


def test_one_index_for_two_ranks(tree, tmp_path):
    mp.spawn(_rank, (str(tree), str(tmp_path / 'rendezvous'), str(tmp_path)), nprocs=2)
    first, second = ((tmp_path / str(rank)).read_text().splitlines() for rank in range(2))
    assert (first[0], second[0]) == ('4', '0')
    assert first[1:] == second[1:] and len(first) == 6
    assert 'nowhere: no such folder' in first[-1]
