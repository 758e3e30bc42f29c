"""Cameras, moving bodies and planar surfaces: everything the renderer and the flow share.

World and body axes are x right, y DOWN, z forward (metres), so a camera without rotation has the
axes of its image. A yaw turns z towards x. Every surface is a parallelogram
``P(s, t) = origin + s * edge_s + t * edge_t`` with s, t in [0, 1]; seen from outside, ``edge_s``
runs to the right and ``edge_t`` down, as the columns and rows of its texture.
"""

from dataclasses import dataclass

import numpy as np

NEAR = 0.3
"""Surfaces are cut at this depth (metres) before the camera."""


def rotation(yaw: float, pitch: float = 0.0, roll: float = 0.0) -> np.ndarray:
    """Body-to-world rotation (3, 3): roll about z, then pitch about x (up), then yaw about y."""
    cy, sy = np.cos(yaw), np.sin(yaw)
    cp, sp = np.cos(pitch), np.sin(pitch)
    cr, sr = np.cos(roll), np.sin(roll)
    about_y = np.array([[cy, 0, sy], [0, 1, 0], [-sy, 0, cy]])
    about_x = np.array([[1, 0, 0], [0, cp, -sp], [0, sp, cp]])
    about_z = np.array([[cr, -sr, 0], [sr, cr, 0], [0, 0, 1]])
    return about_y @ about_x @ about_z


@dataclass(frozen=True)
class Trajectory:
    """A body's pose over time, linear between knots and constant outside them.

    Attributes:
        times: (K,) seconds, increasing.
        positions: (K, 3) metres, world.
        yaws: (K,) radians, unwrapped.
    """

    times: np.ndarray
    positions: np.ndarray
    yaws: np.ndarray

    def at(self, t: float) -> tuple[np.ndarray, float]:
        """Position (3,) and yaw at time t (seconds)."""
        position = np.array([np.interp(t, self.times, p) for p in self.positions.T])
        return position, float(np.interp(t, self.times, self.yaws))


@dataclass(frozen=True)
class Camera:
    """A pinhole camera at one moment.

    Attributes:
        centre: (3,) world position.
        rotation: (3, 3) camera-to-world.
        intrinsics: (3, 3); pixel centres have integer coordinates.
    """

    centre: np.ndarray
    rotation: np.ndarray
    intrinsics: np.ndarray

    @property
    def matrix(self) -> np.ndarray:
        """(3, 3): world direction → homogeneous pixel."""
        return self.intrinsics @ self.rotation.T

    def crop(self, box: tuple[float, float, float, float], size: tuple[int, int]) -> 'Camera':
        """The camera that sees ``box`` (edges, this camera's pixels) resized to size (H, W)."""
        x0, y0, x1, y1 = box
        sx, sy = size[1] / (x1 - x0), size[0] / (y1 - y0)
        shift_x, shift_y = (0.5 - x0) * sx - 0.5, (0.5 - y0) * sy - 0.5
        resize = np.array([[sx, 0, shift_x], [0, sy, shift_y], [0, 0, 1]])
        return Camera(self.centre, self.rotation, resize @ self.intrinsics)


@dataclass(frozen=True)
class Surfaces:
    """N parallelograms, in the frame of the body that carries them.

    Attributes:
        origin, edge_s, edge_t: (N, 3) metres.
        body: (N,) index of the trajectory; -1 = fixed in the world.
        class_id: (N,) uint8 train id.
        two_sided: (N,) bool; the others are drawn from outside only.
    """

    origin: np.ndarray
    edge_s: np.ndarray
    edge_t: np.ndarray
    body: np.ndarray
    class_id: np.ndarray
    two_sided: np.ndarray

    def frames_at(self, bodies: list[Trajectory], t: float) -> np.ndarray:
        """(N, 3, 3) with columns edge_s, edge_t, origin in the world at time t (seconds)."""
        columns = np.stack([self.edge_s, self.edge_t, self.origin], axis=-1)
        if bodies:
            poses = [body.at(t) for body in bodies]
            turn = np.stack([rotation(yaw) for _, yaw in poses] + [np.eye(3)])
            shift = np.stack([position for position, _ in poses] + [np.zeros(3)])
            columns = turn[self.body] @ columns
            columns[:, :, 2] += shift[self.body]
        return columns


@dataclass(frozen=True)
class View:
    """All surfaces of a scene before one camera.

    The last two surfaces are the ground plane y = 0 (s = x, t = z in metres) and the sky
    (directions: infinitely far, inverse depth 0).

    Attributes:
        to_pixel: (N + 2, 3, 3): (s, t, 1) → depth * (u, v, 1).
        from_pixel: (N + 2, 3, 3): (u, v, 1) → (s, t, 1) / depth; row 2 gives the inverse depth.
            For the sky (u, v, 1) → (direction).
        corners: (N, 4, 2) pixels of the corners, clockwise from (s, t) = (0, 0).
        depths: (N, 4) depth of each corner.
        boxes: (N, 4) float (u0, v0, u1, v1), the part before the near plane.
        drawn: (n,) indices of the surfaces that can be seen, roughly nearest first.
    """

    to_pixel: np.ndarray
    from_pixel: np.ndarray
    corners: np.ndarray
    depths: np.ndarray
    boxes: np.ndarray
    drawn: np.ndarray

    @property
    def ground(self) -> int:
        """Index of the ground plane."""
        return len(self.to_pixel) - 2

    @property
    def sky(self) -> int:
        """Index of the sky."""
        return len(self.to_pixel) - 1


_CORNERS = np.array([[0, 0, 1], [1, 0, 1], [1, 1, 1], [0, 1, 1]], dtype=np.float64)
_GROUND = np.array([[1, 0, 0], [0, 0, 0], [0, 1, 0]], dtype=np.float64)


def project(
    surfaces: Surfaces, bodies: list[Trajectory], t: float, camera: Camera, size: tuple[int, int]
) -> View:
    """Put all surfaces before the camera at time t (seconds); size (H, W) of the image."""
    columns = np.concatenate([surfaces.frames_at(bodies, t), _GROUND[None]])
    columns[:, :, 2] -= camera.centre
    to_pixel = camera.matrix @ columns
    facing = np.linalg.det(to_pixel)
    # A plane through the camera's centre is seen edge-on, as nothing: keep it out of the inverse.
    degenerate = np.abs(facing) < 1e-9
    from_pixel = np.linalg.inv(np.where(degenerate[:, None, None], np.eye(3), to_pixel))
    sky = camera.matrix[None]

    points = to_pixel[:-1] @ _CORNERS.T  # (N, 3, 4)
    depths = points[:, 2]
    boxes, in_front = _boxes(points)
    with np.errstate(divide='ignore', invalid='ignore'):
        corners = (points[:, :2] / depths[:, None]).transpose(0, 2, 1)
    height, width = size
    seen = in_front & ~degenerate[:-1] & (surfaces.two_sided | (facing[:-1] > 0))
    seen &= (boxes[:, :2] < (width - 0.5, height - 0.5)).all(axis=1)
    seen &= (boxes[:, 2:] > -0.5).all(axis=1)
    drawn = np.flatnonzero(seen)
    # Nearest first: what lies behind is then rejected before its texture is touched.
    drawn = drawn[np.argsort(depths[drawn].mean(axis=1), kind='stable')]
    to_pixel = np.concatenate([to_pixel, sky])
    from_pixel = np.concatenate([from_pixel, np.linalg.inv(sky)])
    return View(to_pixel, from_pixel, corners, depths, boxes, drawn)


def _boxes(points: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Pixel boxes (N, 4) of quadrilaterals (N, 3, 4) cut at the near plane, and which remain."""
    after = np.roll(points, -1, axis=2)
    z, z_after = points[:, 2], after[:, 2]
    crosses = (z > NEAR) != (z_after > NEAR)
    share = np.where(crosses, (NEAR - z) / np.where(crosses, z_after - z, 1), 0)
    cut = points + share[:, None] * (after - points)
    candidates = np.concatenate([points, cut], axis=2)
    valid = np.concatenate([z > NEAR, crosses], axis=1)
    with np.errstate(divide='ignore', invalid='ignore'):
        uv = candidates[:, :2] / candidates[:, 2:]
    low = np.where(valid[:, None], uv, np.inf).min(axis=2)
    high = np.where(valid[:, None], uv, -np.inf).max(axis=2)
    return np.concatenate([low, high], axis=1), valid.any(axis=1)


def clip_near(view: View, index: int) -> np.ndarray:
    """Pixel polygon (K, 2) of one surface, cut at the near plane."""
    depths = view.depths[index]
    if (depths > NEAR).all():
        return view.corners[index]
    points = (view.to_pixel[index] @ _CORNERS.T).T
    polygon = []
    for a, b in zip(points, np.roll(points, -1, axis=0)):
        if a[2] > NEAR:
            polygon.append(a)
        if (a[2] > NEAR) != (b[2] > NEAR):
            polygon.append(a + (NEAR - a[2]) / (b[2] - a[2]) * (b - a))
    polygon = np.array(polygon)
    return polygon[:, :2] / polygon[:, 2:]
