"""tools/build_mmcv_ops.sh: one build for each kind of environment, and none that is not whole.

The interpreter is real but sees no installed packages; torch, pip and mmcv are small stand-ins, so
that a "build" takes no time and leaves a wheel with a real, empty extension module.
"""

import os
import shutil
import signal
import subprocess
import sys
import sysconfig
import time
from pathlib import Path

import pytest

pytestmark = pytest.mark.skipif(shutil.which('c++') is None, reason='needs a C++ compiler')

EXTENSION = """
#include <Python.h>
static struct PyModuleDef module = {PyModuleDef_HEAD_INIT, "_ext"};
PyMODINIT_FUNC PyInit__ext(void) { return PyModule_Create(&module); }
"""
TORCH = """
import os
__version__ = os.environ.get('FAKE_TORCH', '9.9.9+cpu')
class version:
    hip, cuda = None, '13.0'
class cuda:
    is_available = lambda: os.environ.get('FAKE_GPU') == '1'
    device_count = lambda: 1
    get_device_capability = lambda i: (9, 0)
"""


@pytest.fixture(scope='module')
def extension(tmp_path_factory) -> Path:
    """An empty compiled module named ``_ext``."""
    folder = tmp_path_factory.mktemp('extension')
    (folder / 'ext.c').write_text(EXTENSION)
    include = sysconfig.get_path('include')
    command = ['cc', '-shared', '-fPIC', f'-I{include}', 'ext.c', '-o', '_ext.so']
    subprocess.run(command, cwd=folder, check=True)
    return folder / '_ext.so'


class Sandbox:
    """An environment of stand-ins and a cache folder."""

    def __init__(self, repo: Path, tmp_path: Path, extension: Path) -> None:
        self.repo, self.root, self.extension = repo, tmp_path, extension
        self.log = tmp_path / 'pip.log'
        self.wheels = tmp_path / 'cache' / 'wheels'
        self.python = tmp_path / 'python'
        self.python.write_text(f'#!/bin/sh\nexec "{sys.executable}" -S "$@"\n')
        self.python.chmod(0o755)

    def site(self, name: str = 'site', mmcv: str = 'onedl_mmcv-7.7.7') -> Path:
        """A folder of packages with torch, pip and an mmcv without operators."""
        site = self.root / name
        if not site.exists():
            info = site / f'{mmcv}.dist-info'
            for folder in ('torch/utils', 'pip', 'mmcv', info.name):
                (site / folder).mkdir(parents=True)
            (site / 'torch/__init__.py').write_text(TORCH)
            (site / 'torch/utils/cpp_extension.py').write_text('CUDA_HOME = None')
            shutil.copy(Path(__file__).with_name('fake_pip.py'), site / 'pip/__main__.py')
            for package in ('pip', 'mmcv'):
                (site / package / '__init__.py').touch()
            name, version = mmcv.split('-')
            (info / 'METADATA').write_text(f'Name: {name}\nVersion: {version}\n')
        return site

    def start(self, *arguments: str, site: Path | None = None, **variables) -> subprocess.Popen:
        """Start the script."""
        site = site or self.site()
        environment = dict(
            os.environ,
            PYTHON=str(self.python),
            PYTHONPATH=str(site),
            POODLE_CACHE=str(self.root / 'cache'),
            FAKE_LOG=str(self.log),
            FAKE_SITE=str(site),
            FAKE_EXTENSION=str(self.extension),
            **variables,
        )
        return subprocess.Popen(
            ['bash', str(self.repo / 'tools' / 'build_mmcv_ops.sh'), *arguments],
            env=environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )

    def run(self, *arguments: str, **kwargs) -> tuple[int, str]:
        """Exit status and output."""
        process = self.start(*arguments, **kwargs)
        output = process.communicate(timeout=60)[0]
        return process.returncode, output

    def calls(self, command: str) -> list[str]:
        """What pip was asked for under ``command``."""
        lines = self.log.read_text().splitlines() if self.log.exists() else []
        return [line for line in lines if line.split()[0] == command]

    def kept(self) -> list[str]:
        """Names of the folders of finished wheels; checks that nothing else was left behind."""
        folders = [path for path in self.wheels.iterdir() if path.is_dir()]
        assert all(list(folder.iterdir()) == [folder / 'toy.whl'] for folder in folders)
        return sorted(folder.name for folder in folders)


@pytest.fixture
def sandbox(repo, tmp_path, extension) -> Sandbox:
    return Sandbox(repo, tmp_path, extension)


def test_one_build_serves_every_checkout(sandbox):
    status, output = sandbox.run()
    assert status == 0, output
    tag = f'cp{sys.version_info[0]}{sys.version_info[1]}'
    (name,) = sandbox.kept()
    assert name.startswith(f'onedl-mmcv-7.7.7_torch-9.9.9+cpu_{tag}_{sysconfig.get_platform()}')
    assert name.endswith('_cpu')
    (build,) = sandbox.calls('wheel')
    for flag in ('--no-build-isolation', '--no-deps', '--no-cache-dir', 'onedl-mmcv==7.7.7'):
        assert f' {flag}' in build
    assert 'jobs=None' not in build
    tools, install = sandbox.calls('install')
    assert '--target' in tools and 'ninja' in tools  # the build's tools stay out of the environment
    assert '--force-reinstall --no-deps --no-cache-dir' in install

    status, output = sandbox.run()
    assert (status, 'is there already' in output) == (0, True)
    status, output = sandbox.run(site=sandbox.site('another'))
    assert (status, 'taking onedl-mmcv==7.7.7 from' in output) == (0, True), output
    assert (sandbox.root / 'another' / 'mmcv' / '_ext.so').exists()
    assert len(sandbox.calls('wheel')) == 1


def test_another_torch_is_another_build(sandbox):
    assert sandbox.run()[0] == 0
    assert sandbox.run(site=sandbox.site('another'), FAKE_TORCH='9.9.9+cu130')[0] == 0
    assert len(sandbox.calls('wheel')) == len(sandbox.kept()) == 2


@pytest.mark.parametrize(
    ('mmcv', 'built'),
    [('mmcv_lite-2.1.0', 'mmcv==2.1.0'), ('onedl_mmcv-2.3.5', 'onedl-mmcv==2.3.5')],
)
def test_version_is_the_installed_one(sandbox, mmcv, built):
    assert sandbox.run(site=sandbox.site(mmcv=mmcv))[0] == 0
    assert f' {built} ' in sandbox.calls('wheel')[0]
    removed = {line.split()[3] for line in sandbox.calls('uninstall')}
    assert removed == {'mmcv-lite', 'mmcv', 'onedl-mmcv'} - {built.split('=')[0]}


def test_version_that_is_asked_for(sandbox):
    assert sandbox.run('onedl-mmcv==8.0')[0] == 0
    assert ' onedl-mmcv==8.0 ' in sandbox.calls('wheel')[0]


@pytest.mark.parametrize(
    ('mode', 'message'), [('fails', 'no more room'), ('without operators', 'does not load')]
)
def test_a_failed_build_is_not_kept(sandbox, mode, message):
    status, output = sandbox.run(FAKE_BUILD=mode)
    assert status == 1
    assert message in output and '.log)' in output
    assert sandbox.kept() == []
    assert not list(sandbox.wheels.glob('.building*'))
    assert not (sandbox.site() / 'mmcv' / 'ops.py').exists()
    assert sandbox.run()[0] == 0  # and does not stand in the way of the next


def test_missing_compiler(sandbox):
    status, output = sandbox.run(CXX='no-such-compiler')
    assert status == 1
    assert 'install g++ (Debian, Ubuntu: apt-get install build-essential' in output
    assert not sandbox.calls('wheel')


def test_two_at_once_build_once(sandbox):
    first = sandbox.start(FAKE_BUILD='slow')
    second = sandbox.start(FAKE_BUILD='slow', site=sandbox.site('another'))
    outputs = [process.communicate(timeout=60)[0] for process in (first, second)]
    assert (first.returncode, second.returncode) == (0, 0), outputs
    assert len(sandbox.calls('wheel')) == 1
    assert sum('waiting' in output for output in outputs) == 1


def test_interrupted_build_leaves_nothing(sandbox):
    process = sandbox.start(FAKE_BUILD='slow')
    deadline = time.monotonic() + 60
    while not sandbox.calls('wheel') and time.monotonic() < deadline:
        time.sleep(0.1)
    process.send_signal(signal.SIGTERM)
    process.communicate(timeout=60)
    assert process.returncode == 143
    compiler = Path('/proc') / sandbox.calls('wheel')[0].split()[-3]
    deadline = time.monotonic() + 1  # it would sleep for three
    while compiler.exists() and time.monotonic() < deadline:
        time.sleep(0.05)
    assert not compiler.exists()
    assert sandbox.kept() == []
    assert not list(sandbox.wheels.glob('.building*'))


def test_gpu_without_nvcc(sandbox):
    """Without nvcc there are no CUDA operators: said before a long build, not after."""
    status, output = sandbox.run(FAKE_GPU='1')
    assert status == 1
    assert 'a GPU but no nvcc: install the CUDA toolkit 13.0' in output and '--or-cpu' in output
    status, output = sandbox.run('--or-cpu', FAKE_GPU='1')
    assert status == 0, output
    assert sandbox.calls('wheel')[0].endswith('gpu=')  # hidden from mmcv's set-up
    assert sandbox.kept()[0].endswith('_cpu')


def test_unknown_argument(sandbox):
    assert sandbox.run('mmseg==1.0')[0] == 1
    assert not sandbox.log.exists()
