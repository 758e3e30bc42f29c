"""What the wheel holds."""

from setuptools import find_packages
from setuptools.config.pyprojecttoml import read_configuration


def test_both_packages_and_nothing_else(repo):
    """Every module of ours, also in folders to come; no benchmarks, no tests."""
    found = read_configuration(repo / 'pyproject.toml', expand=False)
    packages = find_packages(repo, **found['tool']['setuptools']['packages']['find'])
    folders = {
        path.parent
        for name in ('poodle_mm', 'poodle_scenes')
        for path in (repo / name).rglob('*.py')
    }
    assert set(packages) == {'.'.join(path.relative_to(repo).parts) for path in folders}
