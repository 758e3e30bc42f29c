"""Without MMCV's compiled operators the error names the command that builds them."""

import subprocess
import sys

import pytest

MISSING = "import sys; sys.modules['mmcv._ext'] = None\n"
CONFIG = 'configs/downstream/mmdet/faster-rcnn_r50-fpn_scenes.py'


@pytest.mark.parametrize(
    'code',
    [
        'import poodle_mm.evaluation.detection',
        'from mmengine.config import Config\nfrom mmengine.runner import Runner\n'
        f"Runner.from_cfg(Config.fromfile('{CONFIG}'))",
    ],
    ids=['import', 'runner'],
)
def test_error_names_the_command(repo, code):
    """The last line, which is what a user reads, says what to do."""
    done = subprocess.run(
        [sys.executable, '-c', MISSING + code], cwd=repo, capture_output=True, text=True
    )
    assert done.returncode == 1
    last = done.stderr.strip().splitlines()[-1]
    assert "MMCV's compiled operators" in last and '`bash tools/build_mmcv_ops.sh`' in last


def test_pretraining_does_not_need_them(repo):
    """Nor does the package that reads checkpoints."""
    code = MISSING + 'import poodle_mm.models, poodle_mm.engine, poodle_mm.checkpoints'
    subprocess.run([sys.executable, '-c', code], cwd=repo, check=True)
