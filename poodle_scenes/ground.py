"""The ground plane: road, markings, pavements and verges, as one map in road coordinates.

Road coordinates are (d, z): d metres to the right of the road's centre line, which runs along
``x = centre(z) = z² (bend + twist z)``; so roads curve while the ground stays one exact plane.
"""

from dataclasses import dataclass

import cv2
import numpy as np

from poodle_scenes.classes import CLASS_ID

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

    def centre(self, z):
        """x of the centre line at z."""
        return z * z * (self.bend + self.twist * z)

    def heading(self, z):
        """Yaw (radians) of the road's direction at z."""
        return np.arctan(z * (2 * self.bend + 3 * self.twist * z))

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
        """(column, row) of world points, in edge coordinates of the finest map, float32."""
        column = (x - self.road.centre(z) - D_RANGE[0]) / _D_STEP
        row = (z - Z_RANGE[0]) / _Z_STEP
        return column, row

    def classes(self, x: np.ndarray, z: np.ndarray) -> np.ndarray:
        """Train ids of world points on the ground."""
        column, row = self.texels(x, z)
        rows, columns = self.labels.shape
        return self.labels[
            np.clip(row, 0, rows - 1).astype(np.intp),
            np.clip(column, 0, columns - 1).astype(np.intp),
        ]

    def colours(self, x: np.ndarray, z: np.ndarray, level: int) -> np.ndarray:
        """RGB uint8 of world points, read bilinearly from a level (0 = finest) of the pyramid."""
        column, row = self.texels(x, z)
        image = self.levels[level]
        across = np.float32(image.shape[1] / self.labels.shape[1])
        along = np.float32(image.shape[0] / self.labels.shape[0])
        return cv2.remap(
            image,
            np.asarray(column * across - np.float32(0.5), np.float32),
            np.asarray(row * along - np.float32(0.5), np.float32),
            cv2.INTER_LINEAR,
            borderMode=cv2.BORDER_REPLICATE,
        )


def noise(
    rng: np.random.Generator, shape: tuple[int, int], grains: tuple[tuple[int, float], ...]
) -> np.ndarray:
    """Smooth float32 noise (H, W): a sum of (grain in texels, amplitude) octaves."""
    total = np.zeros(shape, np.float32)
    for grain, amplitude in grains:
        coarse = (max(shape[0] // grain, 2), max(shape[1] // grain, 2))
        field = rng.standard_normal(coarse, dtype=np.float32) * np.float32(amplitude)
        total += cv2.resize(field, shape[::-1], interpolation=cv2.INTER_LINEAR)
    return total


def paint_ground(
    road: Road,
    rng: np.random.Generator,
    asphalt: np.ndarray,
    paving: np.ndarray,
    verge: np.ndarray,
    wear: float,
    light: np.ndarray,
    crossings: tuple[float, ...] = (),
) -> GroundMap:
    """Paint the map of one scene.

    Args:
        road: the geometry.
        rng: random generator.
        asphalt, paving, verge: RGB 0-255 of road, pavement and terrain.
        wear: 0-1, how faded the markings and how patched the road is.
        light: (3,) factor of the light that falls on the ground.
        crossings: z of zebra crossings.
    """
    columns = int((D_RANGE[1] - D_RANGE[0]) / _D_STEP)
    rows = int((Z_RANGE[1] - Z_RANGE[0]) / _Z_STEP)
    labels = np.full((rows, columns), CLASS_ID['terrain'], np.uint8)
    rgb = np.empty((rows, columns, 3), np.uint8)
    rgb[:] = verge.astype(np.uint8)

    def at_d(d: float) -> int:
        return round((d - D_RANGE[0]) / _D_STEP)

    def at_z(z: float) -> int:
        return round((z - Z_RANGE[0]) / _Z_STEP)

    def fill(d0, d1, z0, z1, colour, label=None):
        where = (slice(max(at_z(z0), 0), at_z(z1)), slice(max(at_d(d0), 0), at_d(d1)))
        rgb[where] = colour
        if label is not None:
            labels[where] = CLASS_ID[label]

    def blend(d0, d1, z0, z1, colour, amount):
        where = (slice(max(at_z(z0), 0), at_z(z1)), slice(max(at_d(d0), 0), at_d(d1)))
        if not rgb[where].size:  # outside the painted ground; OpenCV returns None then
            return
        fill = np.clip(colour, 0, 255).astype(np.uint8)
        rgb[where] = cv2.addWeighted(
            rgb[where], 1 - amount, np.broadcast_to(fill, rgb[where].shape), amount, 0
        )

    kerb = np.clip(paving * 1.12 + 8, 0, 255)
    z_low, z_high = Z_RANGE
    cross = road.cross_z
    if road.pavement_left:
        fill(road.left - road.pavement_left, road.left, z_low, z_high, paving, 'sidewalk')
        fill(road.left - 0.18, road.left, z_low, z_high, kerb)
    if road.pavement_right:
        fill(road.right, road.right + road.pavement_right, z_low, z_high, paving, 'sidewalk')
        fill(road.right, road.right + 0.18, z_low, z_high, kerb)
    if cross is not None:
        side = max(road.pavement_left, road.pavement_right, 1.5)
        for z0, z1 in (
            (cross - road.cross_half - side, cross - road.cross_half),
            (cross + road.cross_half, cross + road.cross_half + side),
        ):
            fill(D_RANGE[0], D_RANGE[1], z0, z1, paving, 'sidewalk')
    # Slabs: thin dark joints; the road is painted over them afterwards.
    joint = rng.uniform(0.7, 2.0)
    paved = labels == CLASS_ID['sidewalk']
    for z in np.arange(z_low, z_high, joint):
        row = at_z(z)
        if row < rows:
            rgb[row][paved[row]] = (paving * 0.86).astype(np.uint8)
    fill(road.left, road.right, z_low, z_high, asphalt, 'road')
    if cross is not None:
        fill(
            D_RANGE[0],
            D_RANGE[1],
            cross - road.cross_half,
            cross + road.cross_half,
            asphalt,
            'road',
        )
    is_road = labels == CLASS_ID['road']

    # Tyre tracks, seams and repaired patches.
    for lane in (*road.lanes, road.right - 0.2):
        for offset in (-2.3, -0.8):
            blend(lane + offset - 0.25, lane + offset + 0.25, z_low, z_high, asphalt * 0.8, 0.4)
    for _ in range(int(4 + 22 * wear)):
        d, z = rng.uniform(road.left, road.right), rng.uniform(*Z_RANGE)
        patch = asphalt * rng.uniform(0.7, 1.25)
        blend(d, min(d + rng.uniform(0.5, 2.5), road.right), z, z + rng.uniform(0.6, 7), patch, 0.7)
    for _ in range(int(3 + 25 * wear)):
        points = np.cumsum(rng.normal(0, [14, 40], (10, 2)), axis=0)
        points += [at_d(rng.uniform(road.left, road.right)), at_z(rng.uniform(*Z_RANGE))]
        cv2.polylines(rgb, [points.astype(np.int32)], False, (asphalt * 0.6).tolist(), 1)

    def line(d, width, colour, dash=None):
        amount = 0.95 - 0.6 * wear
        spans = [(z_low, z_high)]
        if dash:
            spans = [(z, z + dash[0]) for z in np.arange(z_low, z_high, dash[0] + dash[1])]
        for z0, z1 in spans:
            blend(d - width / 2, d + width / 2, z0, z1, colour, amount)

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
        box = (cross - road.cross_half - 1, cross + road.cross_half + 1)
        fill(road.left, road.right, *box, asphalt)
        for z in (box[0] - 3.6, box[1]):
            stripes = np.arange(road.left + 0.4, road.right - 0.4, 1.1)
            for d in stripes:
                blend(d, d + 0.55, z + 0.5, z + 3.3, white, 0.9 - 0.5 * wear)
        blend(0, road.right, box[0] - 4.6, box[0] - 4.2, white, 0.9 - 0.5 * wear)
    for z in crossings:
        for d in np.arange(road.left + 0.4, road.right - 0.4, 1.1):
            blend(d, d + 0.55, z, z + 3.2, white, 0.9 - 0.5 * wear)

    # Stains and grain; the verge is much rougher than what is paved.
    tile = noise(rng, (rows // 4, columns // 4), ((48, 7.0), (16, 5.0), (6, 4.0)))
    stains = cv2.resize(tile, (columns, rows), interpolation=cv2.INTER_LINEAR)
    grain = np.tile(noise(rng, (384, 384), ((1, 5.0), (3, 4.0))), (rows // 384, columns // 384))
    stains += grain
    stains *= np.where(is_road | paved, np.float32(1.0), np.float32(2.6))
    rgb = cv2.add(rgb, cv2.merge([stains] * 3), dtype=cv2.CV_8U)
    rgb = cv2.multiply(rgb, (*light.tolist(), 0.0))
    return GroundMap(road, rgb, labels)
