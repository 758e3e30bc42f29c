"""A short training of a method on frames of small videos."""

from pathlib import Path

import pytest
from mmengine.config import Config

from poodle_mm.engine.train import training_config
from tests.test_datasets.video_factory import write_video
from tests.test_models.image_runs import write_recipe


@pytest.fixture(scope='session')
def videos(tmp_path_factory) -> Path:
    root = tmp_path_factory.mktemp('videos')
    for i in range(4):
        write_video(root / f'{i}.mp4', num_frames=20)
    return root


@pytest.fixture(scope='session')
def recipe(repo, videos, tmp_path_factory):
    """A function that writes a method's recipe and reads it as ``tools/train.py`` does."""

    def read(method: str) -> Config:
        folder = tmp_path_factory.mktemp(method)
        return training_config(write_recipe(method, folder, videos, repo / 'configs' / '_base_'))

    return read
