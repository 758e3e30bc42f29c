"""Textures of pedestrians, riders, bicycles and motorcycles."""

import cv2
import numpy as np
from numpy.random import Generator

from poodle_scenes.texture import Painted, colour, finish, opaque, polygon, sheet

SKIN = [(224, 182, 152), (198, 146, 112), (146, 98, 70), (92, 62, 46), (236, 200, 172)]
HAIR = [(36, 28, 24), (84, 58, 38), (150, 120, 80), (120, 118, 114), (20, 20, 22)]
CLOTHES = [
    (34, 36, 44), (52, 66, 100), (120, 36, 40), (200, 198, 190), (96, 92, 84), (60, 84, 62),
    (190, 150, 60), (150, 84, 110), (84, 130, 160), (66, 48, 40), (214, 110, 50), (160, 160, 166),
]  # fmt: skip


def _dressed(rng, width: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Canvas 128 texels high, and the colours of coat and trousers."""
    coat, trousers = colour(rng, CLOTHES), colour(rng, CLOTHES) * 0.85
    return sheet(128, width, coat * 0.8, 4), coat, trousers


def _limb(canvas, start, end, width, fill) -> None:
    ends = [tuple(round(float(q) * 16) for q in point) for point in (start, end)]
    cv2.line(canvas, *ends, opaque(fill), width, cv2.LINE_8, shift=4)


def _shade(canvas, side: float) -> None:
    """Rounder bodies: darker on the side away from the sun."""
    across = 1 + 0.22 * side * np.linspace(-1, 1, canvas.shape[1], dtype=np.float32)
    canvas[..., :3] *= across[:, None]


def _head(canvas, x, y, r, rng, helmet=False) -> None:
    skin, hair = opaque(colour(rng, SKIN, 8)), opaque(colour(rng, HAIR, 8))
    if helmet:
        hair = opaque(colour(rng, CLOTHES, 20))
    cv2.circle(canvas, (x, y), r, skin, -1)
    start, end = (180, 360) if rng.random() < 0.5 and not helmet else (150, 390)
    cv2.ellipse(canvas, (x, y - 1), (r + 1, r + 1), 0, start, end, hair, -1)
    if not helmet and rng.random() < 0.4:
        cv2.ellipse(canvas, (x, y), (r, r + 4), 0, 100, 260, hair, -1)


def person(rng: Generator, side: float) -> Painted:
    """Somebody walking or standing, 64 × 128 texels, feet at the bottom."""
    canvas, coat, trousers = _dressed(rng, 64)
    skin, shoe = colour(rng, SKIN, 8), colour(rng, [(30, 28, 28), (90, 60, 40), (220, 220, 216)])
    stride = rng.choice([0.0, 1.0]) * rng.uniform(4, 15)
    hip, width = 66 + rng.normal(0, 2), int(rng.integers(9, 12))
    for sign in (-1, 1):
        tone = trousers * (0.8 if sign < 0 else 1.0)
        knee = (32 + sign * (3 + stride * 0.5) + 2, 94)
        foot = (32 + sign * (3 + stride), 122)
        _limb(canvas, (32 + sign * 4, hip), knee, width, tone)
        _limb(canvas, knee, foot, width - 2, tone)
        _limb(canvas, foot, (foot[0] + 3, 124), 6, shoe)
    long = 84 if rng.random() < 0.25 else 72
    torso = [(22, 28), (42, 28), (45, 50), (43, long), (21, long), (19, 50)]
    polygon(canvas, torso, coat)
    cv2.line(canvas, (32, 30), (32, long), opaque(coat * 0.72), 1)
    for sign in (-1, 1):
        elbow = (32 + sign * 14, 46)
        hand = (32 + sign * (13 + stride * 0.3), 64 - rng.uniform(0, 8))
        sleeve = coat * (0.78 if sign < 0 else 0.9)
        _limb(canvas, (32 + sign * 10, 31), elbow, 7, sleeve)
        _limb(canvas, elbow, hand, 6, sleeve)
        cv2.circle(canvas, tuple(int(q) for q in hand), 3, opaque(skin), -1)
    if rng.random() < 0.45:
        bag = colour(rng, CLOTHES)
        x = int(rng.choice([14, 40]))
        cv2.rectangle(canvas, (x, 46), (x + 11, 66), opaque(bag), -1)
    _limb(canvas, (32, 24), (32, 30), 7, skin)
    _head(canvas, 32, 15, 9, rng)
    _shade(canvas, side)
    return finish(canvas)


def _wheel(canvas, x, y, r, spokes, tyre) -> None:
    cv2.circle(canvas, (x, y), r, (34, 34, 36, 255), tyre)
    if spokes:
        for angle in np.arange(0, np.pi, np.pi / 4):
            dx, dy = int(r * np.cos(angle)), int(r * np.sin(angle))
            cv2.line(canvas, (x - dx, y - dy), (x + dx, y + dy), (110, 110, 112, 255), 1)
    else:
        cv2.circle(canvas, (x, y), max(r - tyre, 2), (120, 122, 124, 255), -1)
        cv2.circle(canvas, (x, y), max(r // 3, 2), (50, 50, 52, 255), -1)


def bicycle(rng: Generator) -> Painted:
    """From the side, 144 × 88 texels, front to the right."""
    frame = colour(rng, CLOTHES, 25)
    canvas = sheet(88, 144, 40, 4)
    _wheel(canvas, 32, 58, 27, True, 4)
    _wheel(canvas, 112, 58, 27, True, 4)
    rear, pedal, seat, bar = (32, 58), (66, 60), (56, 24), (100, 20)
    for a, b in ((rear, pedal), (rear, seat), (pedal, seat), (pedal, bar), (seat, bar)):
        _limb(canvas, a, b, 4, frame)
    _limb(canvas, (100, 18), (112, 58), 4, frame)
    _limb(canvas, (96, 12), (110, 14), 4, (30, 30, 32))
    _limb(canvas, (48, 20), (66, 20), 6, (30, 28, 28))
    cv2.circle(canvas, (66, 60), 7, (70, 70, 72, 255), -1)
    return finish(canvas)


def motorcycle(rng: Generator) -> Painted:
    """From the side, 160 × 88 texels, front to the right."""
    paint = colour(rng, CLOTHES, 30)
    canvas = sheet(88, 160, 40, 4)
    _wheel(canvas, 30, 62, 24, False, 9)
    _wheel(canvas, 130, 62, 24, False, 9)
    body = [(34, 40), (60, 34), (92, 26), (110, 30), (104, 56), (64, 68), (44, 56)]
    polygon(canvas, body, (52, 52, 56))
    cv2.ellipse(canvas, (86, 32), (22, 11), -8, 0, 360, opaque(paint), -1)
    cv2.ellipse(canvas, (40, 36), (18, 6), 8, 0, 360, opaque(paint * 0.9), -1)
    cv2.ellipse(canvas, (60, 31), (20, 5), 4, 0, 360, (26.0, 26.0, 28.0, 255.0), -1)
    _limb(canvas, (112, 18), (130, 62), 6, (130, 132, 134))
    _limb(canvas, (104, 12), (116, 18), 4, (30, 30, 30))
    _limb(canvas, (30, 70), (80, 68), 6, (150, 150, 152))
    cv2.circle(canvas, (118, 26), 6, (236, 230, 200, 255), -1)
    return finish(canvas)


def rider(rng: Generator, motor: bool) -> Painted:
    """From the side, 96 × 128 texels, facing right, seat at about (40, 78)."""
    canvas, coat, trousers = _dressed(rng, 96)
    hip, shoulder, knee = (34, 74), (50, 34), (60, 92)
    _limb(canvas, (36, 76), (58, 86), 12, trousers * 0.75)
    _limb(canvas, (58, 86), (48, 108), 9, trousers * 0.75)
    _limb(canvas, hip, knee, 13, trousers)
    _limb(canvas, knee, (50, 120), 10, trousers)
    _limb(canvas, (48, 122), (58, 123), 7, (30, 28, 28))
    _limb(canvas, hip, shoulder, 20, coat)
    _limb(canvas, (50, 38), (66, 56), 8, coat * 0.8)
    _limb(canvas, (66, 56), (84, 56), 7, coat * 0.8)
    _head(canvas, 58, 16, 10, rng, helmet=motor or rng.random() < 0.6)
    _limb(canvas, (54, 26), (52, 32), 7, colour(rng, SKIN, 8))
    if rng.random() < 0.3:
        cv2.ellipse(canvas, (34, 48), (9, 15), 20, 0, 360, opaque(colour(rng, CLOTHES)), -1)
    return finish(canvas)


def from_behind(rng: Generator, motor: bool, vehicle: bool) -> Painted:
    """Two-wheeler seen from its front or back, 48 × 128: the vehicle or its rider."""
    canvas, coat, trousers = _dressed(rng, 48)
    if vehicle:
        width = 9 if motor else 4
        _limb(canvas, (24, 84), (24, 122), width, (32, 32, 34))
        _limb(canvas, (8, 62), (40, 62), 3, (60, 60, 62))
        if motor:
            cv2.ellipse(canvas, (24, 82), (10, 12), 0, 0, 360, opaque(colour(rng, CLOTHES)), -1)
            cv2.circle(canvas, (24, 76), 4, (220, 40, 30, 255), -1)
        return finish(canvas)
    for sign in (-1, 1):
        _limb(canvas, (24 + sign * 6, 72), (24 + sign * 10, 92), 9, trousers)
        _limb(canvas, (24 + sign * 10, 92), (24 + sign * 7, 114 - 6 * sign), 8, trousers * 0.9)
        _limb(canvas, (24 + sign * 9, 36), (24 + sign * 15, 60), 6, coat * 0.85)
    torso = [(13, 32), (35, 32), (33, 74), (15, 74)]
    polygon(canvas, torso, coat)
    _head(canvas, 24, 18, 10, rng, helmet=motor or rng.random() < 0.6)
    return finish(canvas)
