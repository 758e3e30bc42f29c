"""The sky: a painted panorama, infinitely far away."""

import cv2
import numpy as np

from poodle_scenes.look import Look
from poodle_scenes.texture import noise

_ROWS, _COLUMNS = 192, 1024
_TOP = 1.1  # tangent of the elevation at the panorama's upper edge


def paint_sky(rng: np.random.Generator, look: Look) -> np.ndarray:
    """Panorama uint8 (192, 1024, 3): columns are azimuths, rows tangents of the elevation."""
    up = np.linspace(1, 0, _ROWS, dtype=np.float32)[:, None, None]
    sky = look.horizon + (look.zenith - look.horizon) * np.power(up, 0.55)
    sky = np.broadcast_to(sky, (_ROWS, _COLUMNS, 3)).astype(np.float32)
    # Clouds shrink towards the horizon: stretch the rows of a square field.
    octaves = ((56, 0.9), (26, 0.75), (12, 0.5), (6, 0.3), (3, 0.16))
    field = noise(rng, (256, _COLUMNS // 2), octaves)
    field = np.concatenate([field, field[:, ::-1]], axis=1)
    rows = (255 * (1 - np.power(up[:, 0], 0.45))).astype(np.float32)
    columns = np.arange(_COLUMNS, dtype=np.float32)[None]
    field = cv2.remap(field, *np.broadcast_arrays(columns, rows), cv2.INTER_LINEAR)
    field = (field - field.mean()) / field.std()
    threshold = np.quantile(field, 1 - np.clip(look.cover, 0.001, 0.999))
    amount = np.clip((field - threshold) * 1.3, 0, 1)[..., None] * 0.92
    lit = look.cloud * (1 + 0.16 * np.clip(cv2.GaussianBlur(field, (0, 0), 3), -1.5, 1)[..., None])
    amount = amount * np.clip(up * 6 + 0.25, 0, 1)
    sky += (lit - sky) * amount
    azimuth = (columns + 0.5) / _COLUMNS * 2 * np.pi - np.pi
    turn = np.angle(np.exp(1j * (azimuth - look.sun[0])))
    distance = np.hypot(turn, np.arctan(up[:, 0] * _TOP) - np.arctan(look.sun[1]))
    glow = look.glow * (0.55 * np.exp(-distance / 0.5) + np.exp(-((distance / 0.08) ** 2)))
    sky += glow[..., None].astype(np.float32) * np.array([250, 225, 180], np.float32)
    return np.clip(sky, 0, 255).astype(np.uint8)


def look_up_sky(panorama: np.ndarray, x: np.ndarray, y: np.ndarray, z: np.ndarray) -> np.ndarray:
    """RGB uint8 of directions (world axes, y down)."""
    azimuth = np.arctan2(x, z)
    slope = -y / np.hypot(x, z)
    column = (azimuth / (2 * np.pi) + 0.5) * _COLUMNS - 0.5
    row = (1 - np.clip(slope / _TOP, 0, 1)) * (_ROWS - 1)
    column, row = column.astype(np.float32), row.astype(np.float32)
    return cv2.remap(panorama, column, row, cv2.INTER_LINEAR, borderMode=cv2.BORDER_WRAP)
