"""Fixtures that every test may use."""

import os
from collections.abc import Iterator
from pathlib import Path

import cv2
import pytest
import torch
from mmengine.registry import DefaultScope

REPO = Path(__file__).resolve().parents[1]

torch.set_num_threads(int(os.environ.get('OMP_NUM_THREADS', '1')))
cv2.setNumThreads(0)


@pytest.fixture(scope='module', autouse=True)
def default_scope() -> Iterator[None]:
    """Leave MMEngine's default scope as it was: MMSegmentation's and MMDetection's tests set it."""
    before = dict(DefaultScope._instance_dict)
    yield
    DefaultScope._instance_dict.clear()
    DefaultScope._instance_dict.update(before)


@pytest.fixture(scope='session')
def repo() -> Path:
    """Root of the checkout."""
    return REPO


@pytest.fixture(scope='session')
def test_data() -> Path:
    """Folder of the real test data: ``POODLE_TEST_DATA`` or ``../shared/data``; skips without."""
    root = Path(os.environ.get('POODLE_TEST_DATA', REPO.parent / 'shared' / 'data'))
    if not root.is_dir():
        pytest.skip(f'no test data at {root}: set POODLE_TEST_DATA')
    return root
