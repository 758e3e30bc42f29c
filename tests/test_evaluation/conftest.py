"""A labelled data set of ten tiny images."""

from pathlib import Path

import cv2
import numpy as np
import pytest

from tests.test_engine.conftest import make_runner  # noqa: F401


@pytest.fixture(scope='session')
def labelled_set(tmp_path_factory) -> Path:
    """Scenes' layout: a bright upper part (sky, 10) above a dark lower one (road, 0)."""
    root = tmp_path_factory.mktemp('labelled')
    rng = np.random.default_rng(0)
    for split, count in dict(train=6, val=2, test=2).items():
        for kind in ('images', 'labels'):
            (root / kind / split).mkdir(parents=True)
        for index in range(count):
            horizon = int(rng.integers(20, 44))
            image = rng.integers(0, 60, (64, 128, 3), np.uint8)
            image[:horizon] += np.array([190, 120, 60], np.uint8)
            label = np.zeros((64, 128), np.uint8)
            label[:horizon] = 10
            label[:, -3:] = 255
            cv2.imwrite(str(root / 'images' / split / f'{index}.png'), image)
            cv2.imwrite(str(root / 'labels' / split / f'{index}.png'), label)
    return root
