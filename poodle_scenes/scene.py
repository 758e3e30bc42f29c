"""Scenes: built from a seed, rendered frame by frame."""

import json
from dataclasses import dataclass
from functools import cached_property, lru_cache
from pathlib import Path

import cv2
import numpy as np

from poodle_mm.catalog import IGNORE_INDEX, STREET_CLASSES
from poodle_scenes.builder import Builder
from poodle_scenes.drive import camera_drive
from poodle_scenes.geometry import Camera, Surfaces, Trajectory, View, project, rotation
from poodle_scenes.ground import GroundMap
from poodle_scenes.look import Look, develop, draw_look
from poodle_scenes.raster import rasterize
from poodle_scenes.roadside import Roadside
from poodle_scenes.shade import draw_ground, draw_shadows, draw_sky, draw_surfaces
from poodle_scenes.sky import paint_sky
from poodle_scenes.texture import Texture
from poodle_scenes.town import Town, draw_town, town_ground
from poodle_scenes.traffic import Traffic

RENDERER_VERSION = 1
"""Changes whenever the same description would give other pictures."""

_RARE = {'train': 9, 'motorcycle': 6, 'bicycle': 4, 'parked bicycle': 5, 'bus': 5, 'truck': 4}


@dataclass(frozen=True)
class SceneSpec:
    """Everything a scene is rebuilt from.

    Attributes:
        seed: number of the scene; any non-negative int.
        size: (H, W) of its frames in pixels.
        num_frames: number of frames.
        fps: frames per second.
        version: version of the renderer that made it.
    """

    seed: int
    size: tuple[int, int] = (288, 512)
    num_frames: int = 40
    fps: float = 10.0
    version: int = RENDERER_VERSION

    def __post_init__(self) -> None:
        if self.seed < 0 or self.num_frames < 1 or self.fps <= 0 or min(self.size) < 32:
            raise ValueError(
                f'{self}: a seed >= 0, at least 1 frame, fps > 0 and at least 32 pixels are needed'
            )


@dataclass(frozen=True)
class Scene:
    """A scene ready to be rendered; made by `build_scene`.

    Attributes:
        spec: its description.
        look: light, season and weather.
        town: the road and its kind.
        surfaces: everything but ground and sky; surface i wears ``textures[i]``.
        textures: one per surface, many shared.
        objects: (N,) int32 number of the object that surface i is a part of.
        shadows: soft parallelograms on the ground; they change colours only.
        bodies: trajectories of what moves.
        drive: the camera's trajectory, at road level.
        focal: focal length in image widths.
        mount: the camera's height (metres), pitch and roll (radians).
    """

    spec: SceneSpec
    look: Look
    town: Town
    surfaces: Surfaces
    textures: list[Texture]
    objects: np.ndarray
    shadows: Surfaces
    bodies: list[Trajectory]
    drive: Trajectory
    focal: float
    mount: tuple[float, float, float]

    @cached_property
    def ground(self) -> GroundMap:
        """The map of the ground."""
        return town_ground(self.town, np.random.default_rng([self.spec.seed, 3]), self.look)

    @cached_property
    def sky(self) -> np.ndarray:
        """The panorama of the sky."""
        return paint_sky(np.random.default_rng([self.spec.seed, 4]), self.look)

    def camera(self, t: float) -> Camera:
        """The camera at time t (seconds)."""
        position, yaw = self.drive.at(t)
        height, pitch, roll = self.mount
        rows, columns = self.spec.size
        f = self.focal * columns
        intrinsics = np.array([[f, 0, (columns - 1) / 2], [0, f, (rows - 1) / 2], [0, 0, 1]])
        return Camera(position - [0, height, 0], rotation(yaw, pitch, roll), intrinsics)

    def view(self, t: float, box: tuple | None = None, size: tuple[int, int] | None = None) -> View:
        """All surfaces before the camera at time t, in a crop of the frame resized to ``size``."""
        size = size or self.spec.size
        box = box or (0, 0, self.spec.size[1], self.spec.size[0])
        return project(self.surfaces, self.bodies, t, self.camera(t).crop(box, size), size)

    def alpha(self, index: int) -> np.ndarray | None:
        """Cut-out of a surface: bool (h, w), None when it is whole."""
        return self.textures[index].alpha


def build_scene(
    seed: int, size: tuple[int, int] = (288, 512), num_frames: int = 40, fps: float = 10.0
) -> Scene:
    """Build the scene of a seed; the same arguments give the same scene everywhere.

    Args:
        seed, size, num_frames, fps: see :class:`SceneSpec`; frame k is at ``k / fps`` seconds.

    Raises:
        ValueError: a negative seed, no frames, fps <= 0 or a size below 32 pixels.
    """
    spec = SceneSpec(int(seed), (int(size[0]), int(size[1])), int(num_frames), float(fps))
    streams = [np.random.default_rng([spec.seed, k]) for k in range(8)]
    look = draw_look(streams[0])
    town = draw_town(streams[1])
    duration = spec.num_frames / spec.fps
    drive = camera_drive(town, streams[2], duration)
    builder = Builder(look, streams[5])
    # Rare things turn up in every n-th scene, so that small sets have them too.
    rare = {name for k, (name, n) in enumerate(_RARE.items()) if (spec.seed + k) % n == 0}
    x, _, z = drive.positions[len(drive.times) // 2].tolist()
    Roadside(town, builder, streams[6], (x, z)).furnish()
    Traffic(town, builder, streams[7], drive, duration, rare).populate()
    rng = streams[2]
    return Scene(
        spec,
        look,
        town,
        builder.surfaces(),
        builder.textures,
        builder.objects(),
        builder.shadows(),
        builder.bodies,
        drive,
        focal=float(rng.uniform(0.74, 0.95)),
        mount=tuple(map(float, (rng.uniform(1.25, 1.65), *rng.normal((0.01, 0), (0.02, 0.006))))),
    )


@lru_cache(maxsize=128)  # some MB each; below the number of scenes it would thrash
def _cached(spec: SceneSpec) -> Scene:
    return build_scene(spec.seed, spec.size, spec.num_frames, spec.fps)


def load_scene(path: str | Path) -> Scene:
    """Rebuild a scene from its JSON description.

    Raises:
        FileNotFoundError: no such file.
        ValueError: not a description, or one by another version of the renderer.
    """
    path = Path(path)
    if not path.is_file():
        raise FileNotFoundError(f'no scene description {path}: make it with tools/make_scenes.py')
    try:
        fields = json.loads(path.read_text(encoding='utf-8'))
        spec = SceneSpec(**{**fields, 'size': tuple(fields['size'])})
    except (KeyError, TypeError, ValueError) as error:
        raise ValueError(f'{path} is not a scene description: {error}') from error
    if spec.version != RENDERER_VERSION:
        raise ValueError(
            f'{path} was made by version {spec.version} of the renderer, this is version '
            f'{RENDERER_VERSION}: make the scenes again with tools/make_scenes.py'
        )
    return _cached(spec)


def render_labels(scene: Scene, t: float) -> np.ndarray:
    """Train ids uint8 (H, W) at pixel centres, time t in seconds."""
    view = scene.view(t)
    ids, inverse_depth = rasterize(view, scene.alpha, scene.spec.size)
    beyond = np.uint8([IGNORE_INDEX, STREET_CLASSES.index('sky')])
    labels = np.concatenate([scene.surfaces.class_id, beyond])[ids]
    v, u = (ids == view.ground).nonzero()
    m = view.from_pixel[view.ground]
    x, z = ((m[i, 0] * u + m[i, 1] * v + m[i, 2]) / inverse_depth[v, u] for i in (0, 1))
    labels[v, u] = scene.ground.classes(x, z)
    return labels


def render_colour(scene: Scene, t: float) -> np.ndarray:
    """RGB uint8 (H, W, 3) at time t in seconds; four samples a pixel."""
    height, width = scene.spec.size
    fine = (2 * height, 2 * width)
    box = (0, 0, width, height)
    camera = scene.camera(t).crop(box, fine)
    view = scene.view(t, box, fine)
    canvas = draw_sky(scene.sky, camera, fine)
    inverse_depth = np.zeros(fine, np.float32)
    draw_ground(canvas, inverse_depth, scene.ground, view)
    shadows = project(scene.shadows, scene.bodies, t, camera, fine)
    draw_shadows(canvas, shadows, scene.shadows.class_id, scene.look.shadow)
    draw_surfaces(canvas, inverse_depth, view, scene.textures)
    canvas = cv2.resize(canvas, (width, height), interpolation=cv2.INTER_AREA)
    inverse_depth = cv2.resize(inverse_depth, (width, height), interpolation=cv2.INTER_AREA)
    rng = np.random.default_rng([scene.spec.seed, round(t * 1e6)])
    return develop(canvas, inverse_depth, scene.look, rng)


def render_frame(scene: Scene, t: float) -> tuple[np.ndarray, np.ndarray]:
    """Both at time t in seconds: RGB uint8 (H, W, 3), train ids uint8 (H, W)."""
    return render_colour(scene, t), render_labels(scene, t)
