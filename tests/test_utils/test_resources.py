"""Configs by path and by name."""

from pathlib import Path

import pytest

from poodle_mm.utils import resources
from poodle_mm.utils.resources import config_dir, find_config, resource_root


def test_a_checkout_uses_its_own(repo):
    assert resource_root() == repo
    assert config_dir() == repo / 'configs'


@pytest.mark.parametrize(
    ('name', 'file'),
    [
        ('poodle_r50_bdd.py', 'poodle_r50_bdd.py'),
        ('poodle_r50_bdd', 'poodle_r50_bdd.py'),
        ('configs/poodle_r50_bdd.py', 'poodle_r50_bdd.py'),
        ('poodle_r18_scenes.py', 'demo/poodle_r18_scenes.py'),
        ('demo/poodle_r18_scenes', 'demo/poodle_r18_scenes.py'),
        ('linear_r50-d8_scenes.py', 'downstream/mmseg/linear_r50-d8_scenes.py'),
        ('_base_/models/poodle_r50.py', '_base_/models/poodle_r50.py'),
    ],
)
def test_ours_are_found_from_any_folder(repo, tmp_path, monkeypatch, name, file):
    monkeypatch.chdir(tmp_path)
    assert find_config(name) == repo / 'configs' / file


def test_a_file_at_the_path_comes_first(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    Path('poodle_r50_bdd.py').touch()
    assert find_config('poodle_r50_bdd.py') == Path('poodle_r50_bdd.py')


def test_the_nearest_name_is_in_the_message(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(FileNotFoundError, match=r"did you mean 'poodle_r50_bdd.py'"):
        find_config('poodle_r50_bd.py')
    # A path means that file, not one of ours with its name.
    with pytest.raises(FileNotFoundError, match='does not exist'):
        find_config(tmp_path / 'poodle_r50_bdd.py')
    with pytest.raises(FileNotFoundError, match='does not exist'):
        find_config('elsewhere/poodle_r18_scenes.py')
    with pytest.raises(FileNotFoundError, match='does not exist'):
        find_config('poodle_r50.py')  # of _base_


def test_an_ambiguous_name_is_refused(tmp_path, monkeypatch):
    for folder in ('a', 'b'):
        (tmp_path / 'configs' / folder).mkdir(parents=True)
        (tmp_path / 'configs' / folder / 'same.py').touch()
    monkeypatch.setattr(resources, 'resource_root', lambda: tmp_path)
    with pytest.raises(ValueError, match=r'several configs are named same: a/same.py, b/same.py'):
        find_config('same')
    assert find_config('b/same') == tmp_path / 'configs' / 'b' / 'same.py'
