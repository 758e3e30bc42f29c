"""Light, season and weather of a scene, and the camera that sees it."""

from dataclasses import dataclass

import cv2
import numpy as np

from poodle_scenes.texture import draw

TIMES = {'day': 0.62, 'dusk': 0.2, 'night': 0.18}
SEASONS = {'summer': 0.45, 'autumn': 0.25, 'spring': 0.15, 'winter': 0.15}
WEATHERS = {'clear': 0.5, 'overcast': 0.28, 'fog': 0.1, 'rain': 0.12}


@dataclass(frozen=True)
class Look:
    """Appearance of one scene.

    Attributes:
        time, season, weather: keys of TIMES, SEASONS, WEATHERS.
        sun: (azimuth, tangent of the elevation), radians; azimuth 0 is straight ahead.
        direct, ambient: (3,) light from the sun and from everywhere.
        zenith, horizon, cloud: RGB 0-255 of the sky.
        cover: share of clouds.
        glow: strength of the sun's glow.
        haze: extinction per metre.
        haze_colour: RGB 0-255.
        gain: (3,) exposure and white balance.
        contrast, noise: contrast and noise of the camera.
    """

    time: str
    season: str
    weather: str
    sun: tuple[float, float]
    direct: np.ndarray
    ambient: np.ndarray
    zenith: np.ndarray
    horizon: np.ndarray
    cloud: np.ndarray
    cover: float
    glow: float
    haze: float
    haze_colour: np.ndarray
    gain: np.ndarray
    contrast: float
    noise: float

    @property
    def night(self) -> bool:
        """Whether lamps and windows shine."""
        return self.time == 'night'

    @property
    def shadow(self) -> float:
        """Darkness (0-1) of cast shadows."""
        return 0.5 if self.time == 'day' and self.weather == 'clear' else 0.38

    def light(self, normal: np.ndarray) -> np.ndarray:
        """Light (3,) on a surface with that outward normal (y down)."""
        azimuth, slope = self.sun
        towards = np.array([np.sin(azimuth), -slope, np.cos(azimuth)])
        towards /= np.linalg.norm(towards)
        lit = max(float(normal @ towards), 0.0)
        sky = 0.85 - 0.15 * float(normal[1])
        return self.ambient * sky + self.direct * lit


_PIVOT = 118.0  # the grey that a change of contrast keeps


def draw_look(rng: np.random.Generator) -> Look:
    """Draw the light, season and weather of one scene."""
    time, season, weather = draw(rng, TIMES), draw(rng, SEASONS), draw(rng, WEATHERS)
    azimuth = rng.uniform(-np.pi, np.pi)
    dull = weather != 'clear'
    tint = 1 + rng.normal(0, 0.045, 3)
    if time == 'day':
        slope = rng.uniform(0.5, 1.6)
        direct = np.array([1.0, 0.95, 0.86]) * (0.12 if dull else rng.uniform(0.45, 0.7))
        ambient = np.array([0.86, 0.91, 1.0]) * (rng.uniform(0.72, 0.95) if dull else 0.62)
        zenith = np.array([70.0, 118, 190]) * rng.uniform(0.8, 1.15)
        horizon = np.array([192.0, 212, 230]) * rng.uniform(0.9, 1.08)
        cloud = np.array([238.0, 240, 243])
    elif time == 'dusk':
        slope = rng.uniform(0.05, 0.3)
        azimuth = rng.uniform(-1.2, 1.2)  # ahead
        direct = np.array([1.0, 0.68, 0.42]) * (0.1 if dull else 0.5)
        ambient = np.array([0.6, 0.56, 0.62]) * rng.uniform(0.75, 1.0)
        zenith = np.array([70.0, 88, 138]) * rng.uniform(0.7, 1.1)
        horizon = np.array([236.0, 170, 112]) * rng.uniform(0.8, 1.05)
        cloud = np.array([206.0, 150, 132]) * rng.uniform(0.7, 1.0)
    else:
        slope = rng.uniform(0.3, 1.0)
        direct = np.array([0.05, 0.05, 0.07])
        ambient = np.array([0.27, 0.26, 0.28]) * rng.uniform(0.8, 1.35)
        zenith = np.array([10.0, 13, 24]) * rng.uniform(0.6, 1.6)
        horizon = np.array([40.0, 36, 40]) * rng.uniform(0.6, 1.5)
        cloud = np.array([34.0, 32, 36])
    cover = rng.uniform(0.05, 0.5)
    if dull:
        grey = np.array([196.0, 200, 206]) * rng.uniform(0.72, 1.1)
        if time == 'dusk':
            grey *= (0.72, 0.62, 0.6)
        elif time == 'night':
            grey *= 0.15
        zenith = zenith * 0.2 + grey * 0.75
        horizon = horizon * 0.25 + grey * 0.75
        cloud = grey * rng.uniform(0.8, 1.0)
        cover = rng.uniform(0.6, 0.95)
    night = time == 'night'
    haze = {'clear': 0.0012, 'overcast': 0.0025, 'fog': rng.uniform(0.012, 0.03), 'rain': 0.006}
    sky = [np.clip(q, 0, 255) for q in (zenith, horizon, cloud)]
    glow = 0.0 if dull or night else float(rng.uniform(0.3, 0.9))
    air = (float(haze[weather]), np.clip(horizon * 0.97, 0, 255))
    gain = tint * rng.uniform(0.86, 1.14) * (1.2 if night else 1.0)
    contrast, grain = float(rng.uniform(0.85, 1.15)), float(rng.uniform(1.0, 3.0))
    sun = (float(azimuth), float(slope))
    light = (time, season, weather, sun, direct, ambient)
    camera = (gain, contrast, grain * (2.0 if night else 1.0))
    return Look(*light, *sky, float(cover), glow, *air, *camera)


def develop(
    linear: np.ndarray, inverse_depth: np.ndarray, look: Look, rng: np.random.Generator
) -> np.ndarray:
    """Haze, exposure, contrast, rain and noise between a scene and its picture.

    Args:
        linear: uint8 (H, W, 3), the scene without air.
        inverse_depth: float32 (H, W), 1 / metres, 0 for the sky.
        look: appearance of the scene.
        rng: generator of this frame.
    """
    h, w = inverse_depth.shape
    through = cv2.exp(np.float32(-look.haze) / np.maximum(inverse_depth, np.float32(1e-4)))
    through[inverse_depth <= 0] = 1
    lamp = np.float32(1)
    if look.night:
        # Headlights: what is near is lit most.
        lamp = 1 + np.float32(1.3) * np.minimum(inverse_depth * np.float32(7), 1)
        lamp[: h // 3] = 1
    added = rng.standard_normal((h, w), dtype=np.float32) * np.float32(look.noise)
    if look.weather == 'rain':
        streaks = np.zeros((h, w), np.float32)
        for x, y in rng.uniform(0, [w, h], (60, 2)):
            length = rng.uniform(0.02, 0.07) * h
            end = (int(x + 0.15 * length), int(y + length))
            cv2.line(streaks, (int(x), int(y)), end, 14.0, 1)
        added += streaks
    added += np.float32(_PIVOT * (1 - look.contrast))
    planes = []
    for channel, plane in enumerate(cv2.split(linear)):
        plane = plane.astype(np.float32) * lamp
        haze = np.float32(look.haze_colour[channel])
        gain = np.float32(look.gain[channel] * look.contrast)
        plane = ((plane - haze) * through + haze) * gain + added
        planes.append(cv2.convertScaleAbs(np.maximum(plane, 0)))
    return cv2.merge(planes)
