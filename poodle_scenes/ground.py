"""The ground plane: road, markings, pavements and verges, as one map in road coordinates.

Road coordinates are (d, z): d metres to the right of the road's centre line, which runs along
``x = centre(z) = z² (bend + twist z)``; so roads curve while the ground stays one exact plane.
"""

from dataclasses import dataclass

import cv2
import numpy as np

from poodle_mm.catalog import STREET_CLASSES
from poodle_scenes.texture import noise

D_RANGE, Z_RANGE = (-48.0, 48.0), (-16.0, 176.0)
_D_STEP, _Z_STEP = 1 / 20, 1 / 8  # metres per texel


@dataclass(frozen=True)
class Road:
    """Geometry of a road with an optional cross street; lengths in metres.

    Attributes:
        bend, twist: coefficients of the centre line.
        left, right: d of the road's edges (left < 0 < right).
        lanes: d of the lane lines between the edges, the first of ``lanes`` being the centre line.
        pavement_left, pavement_right: widths, 0 = none.
        cross_z, cross_half: middle and half width of the cross street; None = none.
    """

    bend: float
    twist: float
    left: float
    right: float
    lanes: tuple[float, ...]
    pavement_left: float
    pavement_right: float
    cross_z: float | None
    cross_half: float

    def centre(self, z: float | np.ndarray) -> float | np.ndarray:
        """x of the centre line at z."""
        return z * z * (self.bend + self.twist * z)

    def heading(self, z: float | np.ndarray) -> float | np.ndarray:
        """Yaw (radians) of the road's direction at z."""
        return np.arctan(z * (2 * self.bend + 3 * self.twist * z))

    def kerb(self, side: int) -> float:
        """Edge d of the road on a side (-1 left, 1 right)."""
        return self.left if side < 0 else self.right

    def pavement(self, side: int) -> float:
        """Width of the pavement on a side."""
        return self.pavement_left if side < 0 else self.pavement_right

    def edge(self, side: int) -> float:
        """Outer edge d of the pavement (or the road) on a side."""
        return self.kerb(side) + side * self.pavement(side)

    def blocked(self, z: float, margin: float = 0.0) -> bool:
        """Whether the cross street runs at z."""
        return self.cross_z is not None and abs(z - self.cross_z) < self.cross_half + margin

    def place(self, d: float, z: float, height: float = 0.0) -> np.ndarray:
        """World point (3,) of road coordinates; height upwards."""
        return np.array([d + self.centre(z), -height, z])


class GroundMap:
    """Colours and classes of the ground in road coordinates.

    Args:
        road: the geometry.
        rgb: uint8 (rows along z, columns along d, 3).
        labels: uint8, same rows and columns, train ids.
    """

    def __init__(self, road: Road, rgb: np.ndarray, labels: np.ndarray) -> None:
        self.road = road
        self.labels = labels
        self.levels = [rgb]
        # Seen from a car, rows are squeezed long before columns are.
        for level in range(1, 7):
            size = (rgb.shape[1] >> (level > 4), rgb.shape[0] >> 1)
            rgb = cv2.resize(rgb, size, interpolation=cv2.INTER_AREA)
            self.levels.append(rgb)

    def level_of(self, apart: np.ndarray) -> np.ndarray:
        """Level that suits image rows ``apart`` metres apart on the ground."""
        level = np.log2(np.maximum(apart / _Z_STEP, 1))
        return np.minimum(level, len(self.levels) - 1).astype(np.intp)

    def texels(self, x: np.ndarray, z: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """(column, row) of world points, in edge coordinates of the finest map."""
        column = (x - self.road.centre(z) - D_RANGE[0]) / _D_STEP
        row = (z - Z_RANGE[0]) / _Z_STEP
        return column, row

    def classes(self, x: np.ndarray, z: np.ndarray) -> np.ndarray:
        """Train ids of world points on the ground."""
        column, row = self.texels(x, z)
        rows, columns = self.labels.shape
        row, column = np.clip(row, 0, rows - 1), np.clip(column, 0, columns - 1)
        return self.labels[row.astype(np.intp), column.astype(np.intp)]

    def colours(self, x: np.ndarray, z: np.ndarray, level: int) -> np.ndarray:
        """RGB uint8 of world points, read bilinearly from a level (0 = finest) of the pyramid."""
        column, row = self.texels(x, z)
        image = self.levels[level]
        along, across = np.divide(image.shape[:2], self.labels.shape).astype(np.float32)
        column = np.asarray(column * across - np.float32(0.5), np.float32)
        row = np.asarray(row * along - np.float32(0.5), np.float32)
        return cv2.remap(image, column, row, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)


def paint_ground(
    road: Road,
    rng: np.random.Generator,
    colours: tuple[np.ndarray, np.ndarray, np.ndarray],
    wear: float,
    light: np.ndarray,
    crossings: tuple[float, ...] = (),
) -> GroundMap:
    """Paint the map of one scene.

    Args:
        road: the geometry.
        rng: random generator.
        colours: RGB 0-255 of road, pavement and terrain.
        wear: 0-1, how faded the markings and how patched the road is.
        light: (3,) factor of the light that falls on the ground.
        crossings: z of zebra crossings.
    """
    asphalt, paving, verge = colours
    columns = int((D_RANGE[1] - D_RANGE[0]) / _D_STEP)
    rows = int((Z_RANGE[1] - Z_RANGE[0]) / _Z_STEP)
    labels = np.full((rows, columns), STREET_CLASSES.index('terrain'), np.uint8)
    rgb = np.full((rows, columns, 3), verge.astype(np.uint8))

    def at_d(d: float) -> int:
        return round((d - D_RANGE[0]) / _D_STEP)

    def at_z(z: float) -> int:
        return round((z - Z_RANGE[0]) / _Z_STEP)

    def area(d0, d1, z0, z1):
        return slice(max(at_z(z0), 0), at_z(z1)), slice(max(at_d(d0), 0), at_d(d1))

    def fill(d0, d1, z0, z1, colour, label=None):
        rgb[area(d0, d1, z0, z1)] = colour
        if label is not None:
            labels[area(d0, d1, z0, z1)] = STREET_CLASSES.index(label)

    def blend(d0, d1, z0, z1, colour, amount):
        part = rgb[area(d0, d1, z0, z1)]
        if part.size:  # OpenCV returns None for what lies outside the painted ground
            paint = np.full_like(part, np.clip(colour, 0, 255).astype(np.uint8))
            part[:] = cv2.addWeighted(part, 1 - amount, paint, amount, 0)

    kerb = np.clip(paving * 1.12 + 8, 0, 255)
    cross = road.cross_z
    for side in (-1, 1):
        if road.pavement(side):
            fill(*sorted((road.edge(side), road.kerb(side))), *Z_RANGE, paving, 'sidewalk')
            fill(*sorted((road.kerb(side), road.kerb(side) + side * 0.18)), *Z_RANGE, kerb)
    if cross is not None:
        near, far = cross - road.cross_half, cross + road.cross_half
        walk = max(road.pavement_left, road.pavement_right, 1.5)
        fill(*D_RANGE, near - walk, near, paving, 'sidewalk')
        fill(*D_RANGE, far, far + walk, paving, 'sidewalk')
    # Slabs: thin dark joints; the road is painted over them afterwards.
    joint = rng.uniform(0.7, 2.0)
    paved = labels == STREET_CLASSES.index('sidewalk')
    for z in np.arange(*Z_RANGE, joint):
        row = at_z(z)
        if row < rows:
            rgb[row][paved[row]] = (paving * 0.86).astype(np.uint8)
    fill(road.left, road.right, *Z_RANGE, asphalt, 'road')
    if cross is not None:
        fill(*D_RANGE, near, far, asphalt, 'road')
    is_road = labels == STREET_CLASSES.index('road')

    # Tyre tracks, seams and repaired patches.
    for lane in (*road.lanes, road.right - 0.2):
        for offset in (-2.3, -0.8):
            d = lane + offset
            blend(d - 0.25, d + 0.25, *Z_RANGE, asphalt * 0.8, 0.4)
    for _ in range(int(4 + 22 * wear)):
        d, z = rng.uniform(road.left, road.right), rng.uniform(*Z_RANGE)
        patch = asphalt * rng.uniform(0.7, 1.25)
        blend(d, min(d + rng.uniform(0.5, 2.5), road.right), z, z + rng.uniform(0.6, 7), patch, 0.7)
    for _ in range(int(3 + 25 * wear)):
        points = np.cumsum(rng.normal(0, [14, 40], (10, 2)), axis=0)
        points += [at_d(rng.uniform(road.left, road.right)), at_z(rng.uniform(*Z_RANGE))]
        cv2.polylines(rgb, [points.astype(np.int32)], False, (asphalt * 0.6).tolist(), 1)

    def line(d, width, colour, dash=None):
        spans = [Z_RANGE]
        if dash:
            spans = [(z, z + dash[0]) for z in np.arange(*Z_RANGE, dash[0] + dash[1])]
        for span in spans:
            blend(d - width / 2, d + width / 2, *span, colour, 0.95 - 0.6 * wear)

    def zebra(z0, z1):
        for d in np.arange(road.left + 0.4, road.right - 0.4, 1.1):
            blend(d, d + 0.55, z0, z1, white, 0.9 - 0.5 * wear)

    white, yellow = np.array([232, 232, 226.0]), np.array([226, 178, 52.0])
    middle = yellow if rng.random() < 0.6 else white
    if rng.random() < 0.6:
        line(road.lanes[0] - 0.14, 0.13, middle)
        line(road.lanes[0] + 0.14, 0.13, middle)
    else:
        line(road.lanes[0], 0.15, middle, (3.0, 4.5))
    for lane in road.lanes[1:]:
        line(lane, 0.15, white, (3.0, 5.0))
    if rng.random() < 0.7:
        line(road.left + 0.35, 0.14, white)
        line(road.right - 0.35, 0.14, white)
    if cross is not None:
        box = (near - 1, far + 1)
        fill(road.left, road.right, *box, asphalt)
        for z in (box[0] - 3.6, box[1]):
            zebra(z + 0.5, z + 3.3)
        blend(0, road.right, box[0] - 4.6, box[0] - 4.2, white, 0.9 - 0.5 * wear)
    for z in crossings:
        zebra(z, z + 3.2)

    # Stains and grain; the verge is much rougher than what is paved.
    tile = noise(rng, (rows // 4, columns // 4), ((48, 7.0), (16, 5.0), (6, 4.0)))
    stains = cv2.resize(tile, (columns, rows), interpolation=cv2.INTER_LINEAR)
    stains += np.tile(noise(rng, (384, 384), ((1, 5.0), (3, 4.0))), (rows // 384, columns // 384))
    stains *= np.where(is_road | paved, np.float32(1.0), np.float32(2.6))
    rgb = cv2.add(rgb, cv2.merge([stains] * 3), dtype=cv2.CV_8U)
    rgb = cv2.multiply(rgb, (*light.tolist(), 0.0))
    return GroundMap(road, rgb, labels)
