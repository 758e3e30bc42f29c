"""The package as others install it: built, installed elsewhere, used without the checkout."""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from poodle_mm import __version__
from tests.test_datasets.video_factory import write_video

NOT_OURS = ('.*', '__pycache__', '*.egg-info', 'build', 'data', 'dist', 'docs', 'work_dirs')
# Scripts that work in a checkout only.
STAY = {'benchmark.py', 'demo.sh', 'docs.sh', 'setup_env.sh', 'test.sh', 'ci/compat_openmmlab.sh'}
SMALL = {
    'model.backbone.base_channels': 8,
    'model.backbone.stem_channels': 8,
    'model.neck.in_channels': [16, 32, 64],
    'model.dense_head.in_channels': 64,
    'model.pooled_head.in_channels': 64,
    'train_dataloader.batch_size': 2,
    'train_dataloader.num_workers': 0,
    'train_dataloader.dataset.delta': (0.1, 0.2),
    'train_cfg.max_iters': 2,
    'param_scheduler': [],
    'processes': 1,
    'log_level': 'WARNING',
}
USE = """
from pathlib import Path
import numpy, torch, poodle_mm
from poodle_mm import apis
from poodle_mm.__main__ import main
fresh = Path({fresh!r})
assert fresh in Path(poodle_mm.__file__).parents, poodle_mm.__file__
assert 'poodle-mm --help' in poodle_mm.__doc__ and 'apis.pretrain' in poodle_mm.__doc__
if __name__ == '__main__':
    encoder = apis.pretrain('my clips', 'run', 'poodle_r18_scenes.py', **{options!r})
    (features,) = apis.dense_features(encoder, [numpy.zeros((64, 96, 3), numpy.uint8)])
    assert features.shape == (64, 8, 12), features.shape
    flow = poodle_mm.registry.MODELS.build(dict(type='UFlow', weights='small', size=None))
    assert flow(*torch.rand(2, 1, 3, 64, 96))[0].shape == (1, 2, 64, 96)
    hub = torch.hub.load(str(fresh / 'poodle_mm/.mim'), 'poodle_resnet50', source='local')
    assert hub.stride == 32
    main(['features', 'run/iter_2.pth', 'my clips/a.mp4', '--step', '4', '--out', 'maps'])
"""


@pytest.fixture(scope='module')
def fresh(repo, tmp_path_factory) -> Path:
    """A folder with the installed package alone; by way of the source archive, then deleted."""
    folder = tmp_path_factory.mktemp('wheel')
    source, target = folder / 'source', folder / 'fresh'
    shutil.copytree(repo, source, ignore=shutil.ignore_patterns(*NOT_OURS))
    build = 'from setuptools import build_meta; build_meta.build_sdist("dist")'
    run(sys.executable, '-c', build, cwd=source)
    (archive,) = (source / 'dist').iterdir()
    install = [sys.executable, '-m', 'pip', 'install', '--quiet', '--no-deps', '--no-compile']
    run(*install, '--no-build-isolation', '--target', target, archive, cwd=source)
    shutil.rmtree(source)
    return target


def run(*words, cwd: Path, fresh: Path | None = None, code: int = 0) -> str:
    """Output of a command with that exit status; the package is that of ``fresh``."""
    env = dict(os.environ, PYTHONWARNINGS='ignore', OMP_NUM_THREADS='1')
    env.pop('PYTHONPATH', None)
    if fresh:
        env['PYTHONPATH'] = str(fresh)
    done = subprocess.run(list(map(str, words)), cwd=cwd, env=env, capture_output=True, text=True)
    assert done.returncode == code, done.stdout + done.stderr
    return done.stdout + done.stderr


@pytest.mark.slow
def test_the_wheel_holds_what_users_need(fresh, repo):
    files = {path.relative_to(fresh) for path in fresh.rglob('*') if path.is_file()}
    assert {path.parts[0] for path in files if 'dist-info' not in path.parts[0]} == {
        'bin',
        'poodle_mm',
        'poodle_scenes',
    }
    for folder in ('configs', 'tools'):
        here = {path.relative_to(repo / folder) for path in (repo / folder).rglob('*')}
        here = {path for path in here if (repo / folder / path).is_file()}
        here = {str(path) for path in here if '__pycache__' not in path.parts}
        mim = fresh / 'poodle_mm' / '.mim' / folder
        there = {str(path.relative_to(mim)) for path in mim.rglob('*') if path.is_file()}
        assert there == here - (STAY if folder == 'tools' else set())
    assert (fresh / 'poodle_mm/flow/uflow/small.pth').stat().st_size <= 3e6
    assert (fresh / 'poodle_mm/experiments/report/assets/page.css').is_file()
    index = (fresh / 'poodle_mm/.mim/model-index.yml').read_text()
    for metafile in re.findall(r'- (\S+)', index):
        assert Path('poodle_mm/.mim', metafile) in files


@pytest.mark.slow
def test_used_without_the_checkout(fresh, repo, tmp_path):
    """The command's help, Python with the command on what it trained, mistakes, the module."""
    command = [sys.executable, fresh / 'bin' / 'poodle-mm']
    text = run(*command, cwd=tmp_path, fresh=fresh)
    assert f'configs and scripts: {fresh}/poodle_mm/.mim' in text
    assert re.search(r'^  pretrain +Pretrain', text, re.MULTILINE)
    assert 'benchmark' not in text

    clips = tmp_path / 'my clips'
    clips.mkdir()
    for name in ('a', 'b'):
        write_video(clips / f'{name}.mp4', num_frames=8)
    (tmp_path / 'use.py').write_text(USE.format(fresh=str(fresh), options=SMALL))
    run(sys.executable, 'use.py', cwd=tmp_path, fresh=fresh)
    maps = sorted(path.name for path in (tmp_path / 'maps' / 'a').iterdir())
    assert maps == ['000000.npz', '000004.npz', 'features.json']

    wrong = ['--cfg-options', 'model.momentm=1']  # of the config, which was found by its name
    text = run(*command, 'pretrain', 'poodle_r18_scenes', *wrong, cwd=tmp_path, fresh=fresh, code=2)
    assert "did you mean 'momentum'" in text
    module = [sys.executable, '-m', 'poodle_mm']
    assert f'poodle_mm {__version__}\n' in run(*module, '--version', cwd=tmp_path, fresh=fresh)
