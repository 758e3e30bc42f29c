"""Videos that the configs train on."""

import pytest

from poodle_scenes import write_scenes


@pytest.fixture(scope='module')
def scenes(tmp_path_factory):
    root = tmp_path_factory.mktemp('scenes')
    counts = dict(train=2, val=0, test=0)
    write_scenes(root, counts, size=(96, 192), num_frames=24, fps=10, labelled_frames=0, workers=1)
    return root
