"""A scene made by hand: a street of two upright panels."""

from types import SimpleNamespace

import numpy as np
import pytest

from poodle_scenes.geometry import Surfaces, Trajectory
from poodle_scenes.scene import Scene, SceneSpec

SIZE = (64, 96)
FOCAL = 1.0  # in image widths: 96 pixels
HEIGHT = 1.5


def path(*points: tuple[float, float, float], yaws: tuple[float, ...] = (0.0, 0.0)) -> Trajectory:
    """Knots one second apart."""
    return Trajectory(np.arange(len(points), dtype=float), np.array(points, float), np.array(yaws))


@pytest.fixture
def hand_made():
    """hand_made(panels, bodies, drive): panels (x0, x1, z, bottom, top, body), fronto-parallel.

    Buildings, each an object, unless ``classes`` (train ids) and ``objects`` say otherwise.
    """

    def make(panels=(), bodies=(), drive=None, alphas=None, classes=None, objects=None) -> Scene:
        origin = [(x0, -top, z) for x0, _, z, _, top, _ in panels]
        edge_s = [(x1 - x0, 0, 0) for x0, x1, *_ in panels]
        edge_t = [(0, top - bottom, 0) for *_, bottom, top, _ in panels]
        count = len(panels)
        surfaces = Surfaces(
            np.array(origin, float).reshape(-1, 3),
            np.array(edge_s, float).reshape(-1, 3),
            np.array(edge_t, float).reshape(-1, 3),
            np.array([panel[-1] for panel in panels], np.intp),
            np.array([2] * count if classes is None else classes, np.uint8),
            np.ones(count, bool),
        )
        alphas = alphas or [None] * count
        return Scene(
            SceneSpec(0, SIZE, 2, 1.0),
            look=None,
            town=None,
            surfaces=surfaces,
            textures=[SimpleNamespace(alpha=alpha) for alpha in alphas],
            objects=np.array(range(count) if objects is None else objects, np.int32),
            shadows=None,
            bodies=list(bodies),
            drive=drive or path((0, 0, 0), (0, 0, 0)),
            focal=FOCAL,
            mount=(HEIGHT, 0.0, 0.0),
        )

    return make
