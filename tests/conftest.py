"""Fixtures that every test may use."""

import os
from pathlib import Path

import cv2
import pytest
import torch

REPO = Path(__file__).resolve().parents[1]

torch.set_num_threads(int(os.environ.get('OMP_NUM_THREADS', '1')))
cv2.setNumThreads(0)


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
