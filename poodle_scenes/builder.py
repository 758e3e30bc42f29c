"""Collects the textured parallelograms of a scene."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from itertools import count

import numpy as np

from poodle_mm.catalog import STREET_CLASSES
from poodle_scenes.geometry import Surfaces, Trajectory, rotation
from poodle_scenes.look import Look
from poodle_scenes.texture import Painted, Texture

Point = Sequence[float]


class Builder:
    """Collects surfaces, textures, shadows and moving bodies.

    Args:
        look: light for the textures.
        rng: source of the textures' seeds.
    """

    def __init__(self, look: Look, rng: np.random.Generator) -> None:
        self.look, self.rng = look, rng
        self.bodies: list[Trajectory] = []
        self.textures: list[Texture] = []
        self.known: dict[tuple, Texture] = {}
        self._quads: list[tuple] = []
        self._shadows: list[tuple] = []
        self.wholes = count()
        self._objects: list[int] = []
        self._numbers: dict[tuple[int, str], int] = {}

    def still(self, position: np.ndarray, yaw: float = 0.0) -> 'Place':
        """A place fixed in the world."""
        shift = np.asarray(position, float)
        return Place(self, rotation(yaw), shift, -1, yaw, next(self.wholes))

    def moving(self, trajectory: Trajectory, part_of: 'Place | None' = None) -> 'Place':
        """A place that moves; its axes are those of the moving body.

        What stands there and at ``part_of`` is one object, as the cars of a train are.
        """
        self.bodies.append(trajectory)
        yaw = float(trajectory.yaws[0])
        whole = part_of.whole if part_of else next(self.wholes)
        return Place(self, np.eye(3), np.zeros(3), len(self.bodies) - 1, yaw, whole)

    def surfaces(self) -> Surfaces:
        """All surfaces so far; surface i wears ``textures[i]``."""
        return _pack(self._quads)

    def objects(self) -> np.ndarray:
        """(N,) number of the object that surface i is a part of; an object has one class."""
        return np.array(self._objects, np.int32)

    def shadows(self) -> Surfaces:
        """All shadows on the ground; their class_id is 1 for boxes and 0 for round ones."""
        return _pack(self._shadows)


def _pack(rows: list[tuple]) -> Surfaces:
    dtypes = (float, float, float, np.intp, np.uint8, bool)
    return Surfaces(*(np.array(column, dtype) for column, dtype in zip(zip(*rows), dtypes)))


@dataclass(frozen=True)
class Place:
    """Place of a model: adds its parallelograms in local axes (x right, y down, z forward).

    All that is added of one class is one object.

    Attributes:
        builder: receiver of what is added.
        turn, shift: rotation (3, 3) and translation (3,) into the frame of the body.
        body: index of the body that carries it; -1 = fixed in the world.
        yaw: direction of local z in the world, radians.
        whole: number of what stands here.
    """

    builder: Builder
    turn: np.ndarray
    shift: np.ndarray
    body: int
    yaw: float
    whole: int

    def another(self) -> 'Place':
        """The same place for another object."""
        return replace(self, whole=next(self.builder.wholes))

    def _carried(self, origin: Point, edge_s: Point, edge_t: Point) -> tuple:
        """A parallelogram of local axes in the frame of the body, and the body."""
        turn = self.turn
        return turn @ origin + self.shift, turn @ edge_s, turn @ edge_t, self.body

    def quad(
        self,
        origin: Point,
        edge_s: Point,
        edge_t: Point,
        label: str,
        painter: Callable[..., Painted],
        params: dict,
        seed: int | None = None,
        two_sided: bool = False,
        flip: bool = False,
        gleam: float = 1.0,
    ) -> None:
        """One textured parallelogram; ``gleam`` scales its light."""
        b = self.builder
        origin, edge_s, edge_t = (np.asarray(q, float) for q in (origin, edge_s, edge_t))
        (sx, sy, sz), (tx, ty, tz) = edge_s, edge_t  # np.cross takes longer than all the rest
        inward = np.array([sy * tz - sz * ty, sz * tx - sx * tz, sx * ty - sy * tx])
        inward = rotation(self.yaw) @ inward
        normal = -inward / np.linalg.norm(inward)
        seed = int(b.rng.integers(2**31)) if seed is None else seed
        light = b.look.light(normal) * gleam
        key = (painter, seed, repr(params), light.tobytes(), flip)
        if key not in b.known:
            b.known[key] = Texture(painter, seed, params, light, flip)
        b.textures.append(b.known[key])
        b._objects.append(b._numbers.setdefault((self.whole, label), len(b._numbers)))
        carried = self._carried(origin, edge_s, edge_t)
        b._quads.append((*carried, STREET_CLASSES.index(label), two_sided))

    def panel(self, left: Point, right: Point, top: float, bottom: float, *what, **options) -> None:
        """Upright rectangle from ``left`` to ``right`` ((x, z), seen from outside); heights up."""
        (x0, z0), (x1, z1) = left, right
        sides = (x1 - x0, 0, z1 - z0), (0, top - bottom, 0)
        self.quad((x0, -top, z0), *sides, *what, **options)

    def billboard(self, width: float, top: float, bottom: float, *what, z=0.0, **options) -> None:
        """Upright rectangle across the local x axis, seen from both sides, facing -z."""
        ends = ((-width / 2, z), (width / 2, z))
        self.panel(*ends, top, bottom, *what, two_sided=True, **options)

    def shadow(self, width: float, length: float, height: float, box: bool) -> None:
        """Soft shadow on the ground of something width × length (x × z) and that high."""
        azimuth, slope = self.builder.look.sun
        reach = min(height / max(slope, 0.4), 2.0 * height) * 0.5
        if self.builder.look.direct.max() < 0.3:
            reach = 0.0
        away = rotation(-self.yaw) @ np.array([-np.sin(azimuth), 0, -np.cos(azimuth)]) * reach
        w, n = width / 2 + 0.35, length / 2 + 0.35  # the soft edge reaches beyond
        x0, x1 = -w + min(away[0], 0), w + max(away[0], 0)
        z0, z1 = -n + min(away[2], 0), n + max(away[2], 0)
        carried = self._carried((x0, -0.004, z1), (x1 - x0, 0, 0), (0, 0, z0 - z1))
        self.builder._shadows.append((*carried, int(box), True))
