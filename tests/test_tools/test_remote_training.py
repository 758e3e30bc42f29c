"""``tools/train.py --data-root URL``: the losses of the folder, from a web server's ranges."""

import json
import os
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

from tests.test_datasets.test_remote.server import serving
from tests.test_tools.test_own_videos import SMALL, write_clip

pytestmark = pytest.mark.slow


def losses(repo: Path, root: str, out: Path, env: dict) -> list[float]:
    """Losses of three iterations with two worker processes."""
    small = shlex.split(SMALL)[2:]  # without its number of iterations
    command = [sys.executable, 'tools/train.py', 'configs/poodle_r50_videos.py', '--iters', '3']
    command += ['--data-root', root, '--work-dir', str(out), *small]
    command += ['train_dataloader.num_workers=2', 'default_hooks.logger.interval=1']
    result = subprocess.run(command, cwd=repo, env=env, capture_output=True, text=True, timeout=600)
    assert result.returncode == 0, result.stderr[-3000:]
    (scalars,) = out.glob('*/vis_data/scalars.json')
    rows = [json.loads(line) for line in scalars.read_text().splitlines()]
    return [row['loss'] for row in rows if 'loss' in row]


def test_the_same_losses_as_from_the_folder(repo, tmp_path):
    pytest.importorskip('aiohttp')
    videos = tmp_path / 'my videos'
    videos.mkdir()
    for i in range(3):
        write_clip(videos / f'{i}.mp4', seed=i)
    env = dict(os.environ, OMP_NUM_THREADS='1', XDG_CACHE_HOME=str(tmp_path / 'cache'))
    env['PYTHONPATH'] = os.pathsep.join([str(repo), os.environ.get('PYTHONPATH', '')])
    near = losses(repo, str(videos), tmp_path / 'near', env)
    with serving(tmp_path) as server:
        far = losses(repo, f'{server.url}/my%20videos', tmp_path / 'far', env)
        assert all(server.gets(f'{i}.mp4') for i in range(3))
    assert len(near) == 3 and far == near
    assert (tmp_path / 'far' / 'iter_3.pth').is_file()
