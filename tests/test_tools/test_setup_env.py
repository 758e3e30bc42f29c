"""tools/setup_env.sh: what each set installs, what it costs again, what a failure leaves behind.

Python and the builder of MMCV's operators are stand-ins that note how they were called.
"""

import os
import shutil
import subprocess
from pathlib import Path

import pytest

PYTHON = """#!/bin/bash
case "$1 $2" in
    '-m venv') mkdir -p "$4/bin"; cp "$0" "$4/bin/python"; echo "venv" >>"$FAKE_LOG" ;;
    '-m pip')
        shift 2
        case $1 in
            show) exec test -e "$0.$3" ;;
            install)
                echo "pip $*" >>"$FAKE_LOG"
                touch "$0.${!#}" 2>/dev/null
                [[ "$*" != *"${FAKE_BROKEN:-nothing}"* ]] || { echo "no route to host"; exit 1; } ;;
        esac ;;
    '-W ignore') shift 3; cat >/dev/null; echo "import $*" >>"$FAKE_LOG" ;;
    '-V '*) echo 'Python 3.11.7' ;;
esac
"""
BUILDER = """
echo "operators $* for $PYTHON" >>"$FAKE_LOG"
exit ${FAKE_COMPILER:-0}
"""


class Checkout:
    """A copy of what the script reads, with stand-ins for what it calls."""

    def __init__(self, repo: Path, root: Path) -> None:
        self.root = root / 'checkout'
        self.log = root / 'calls.log'
        (self.root / 'tools').mkdir(parents=True)
        (self.root / 'requirements').mkdir()
        for name in ('tools/setup_env.sh', 'pyproject.toml', 'requirements/constraints.txt'):
            shutil.copy(repo / name, self.root / name)
        (self.root / 'tools' / 'build_mmcv_ops.sh').write_text(BUILDER)
        self.python = root / 'python'
        self.python.write_text(PYTHON)
        self.python.chmod(0o755)

    def set_up(self, *arguments: str, **variables) -> tuple[int, list[str], str]:
        """Exit status, the calls that were made, the messages."""
        self.log.write_text('')
        result = subprocess.run(
            ['bash', str(self.root / 'tools' / 'setup_env.sh'), *arguments],
            env=dict(os.environ, PYTHON=str(self.python), FAKE_LOG=str(self.log), **variables),
            capture_output=True,
            text=True,
            timeout=120,
        )
        assert result.stdout == ''
        return result.returncode, self.log.read_text().splitlines(), result.stderr


@pytest.fixture
def checkout(repo, tmp_path) -> Checkout:
    return Checkout(repo, tmp_path)


def test_the_demo_needs_no_operators(checkout):
    status, calls, _ = checkout.set_up()
    assert status == 0
    assert any(call.endswith(' -e .[seg,tensorboard]') for call in calls)
    assert 'operators' not in '\n'.join(calls)
    assert checkout.set_up('demo') == (0, [], '')  # nothing to do, nothing done


@pytest.mark.parametrize(
    ('name', 'packages', 'flag'),
    [('det', '.[seg,det,tensorboard]', ''), ('test', '.[test] ruff', '--or-cpu')],
)
def test_detection_gets_operators_and_mmdet(checkout, name, packages, flag):
    checkout.set_up('demo')
    status, calls, _ = checkout.set_up(name)
    assert status == 0
    assert 'venv' not in calls  # the light environment is built on
    assert any(call.endswith(f' -e {packages}') for call in calls)
    operators = f'operators {flag} for {checkout.root}/.venv/bin/python'
    assert calls[-2:] == [operators, 'import mmcv.ops mmdet.datasets mmdet.models']
    for other in ('demo', 'det', name):  # each holds the ones before it
        assert checkout.set_up(other) == (0, [], ''), other


def test_changed_requirements_are_installed(checkout):
    checkout.set_up('test')
    with (checkout.root / 'requirements' / 'constraints.txt').open('a') as file:
        file.write('# another version\n')
    calls = checkout.set_up('demo')[1]
    assert any('.[seg,tensorboard]' in call for call in calls)
    assert not any(call.startswith('operators') for call in calls)  # nor are they touched
    assert not any(call.endswith('onedl-mmcv') for call in calls)
    assert any(call.startswith('operators') for call in checkout.set_up('test')[1])


def test_without_compiler_the_demo_still_runs(checkout):
    status, _, _ = checkout.set_up('test', FAKE_COMPILER='1')
    assert status == 1
    assert checkout.set_up('demo') == (0, [], '')
    status, calls, _ = checkout.set_up('test')
    assert status == 0
    assert 'venv' not in calls and any(call.startswith('operators') for call in calls)


def test_network_failure_is_shown_and_repaired(checkout, tmp_path):
    # No waiting between the three attempts.
    (tmp_path / 'bin').mkdir()
    (tmp_path / 'bin' / 'sleep').symlink_to('/bin/true')
    path = f'{tmp_path / "bin"}:{os.environ["PATH"]}'
    status, calls, messages = checkout.set_up('test', FAKE_BROKEN='ruff', PATH=path)
    assert status == 1
    assert sum('ruff' in call for call in calls) == 3
    assert 'no route to host' in messages and 'could not install poodle_mm' in messages
    status, calls, _ = checkout.set_up('test')
    assert status == 0 and 'venv' not in calls


def test_unknown_set(checkout):
    status, calls, messages = checkout.set_up('detection')
    assert (status, calls) == (1, [])
    assert 'use demo, det, test or docs' in messages
