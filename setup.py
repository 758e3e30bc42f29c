"""Puts configs, tools and the model index into the wheel; the metadata live in ``pyproject.toml``.

They go to ``poodle_mm/.mim``, where OpenMMLab's packages have theirs and ``mim`` looks for them. An
editable install copies nothing: it uses the checkout.
"""

import shutil
from pathlib import Path

from setuptools import setup
from setuptools.command.build_py import build_py

SHIPPED = ('configs', 'requirements', 'tools', 'hubconf.py', 'model-index.yml')
# What works in a checkout only.
LEFT_OUT = ('benchmark.py', 'ci', 'demo.sh', 'docs.sh', 'setup_env.sh', 'test.sh', '__pycache__')


class BuildWithMim(build_py):
    """The package's modules, and what else a user of it needs."""

    def run(self) -> None:
        super().run()
        if self.editable_mode:
            return
        root, target = Path(__file__).parent, Path(self.build_lib, 'poodle_mm', '.mim')
        shutil.rmtree(target, ignore_errors=True)  # an earlier build's
        target.mkdir(parents=True)
        for name in SHIPPED:
            source = root / name
            if source.is_dir():
                ignored = shutil.ignore_patterns(*LEFT_OUT)
                shutil.copytree(source, target / name, ignore=ignored)
            else:
                shutil.copy2(source, target / name)


setup(cmdclass={'build_py': BuildWithMim})
