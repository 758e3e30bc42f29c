"""Textures of poles, traffic lights, traffic signs and other things along a street."""

import cv2
import numpy as np
from numpy.random import Generator

from poodle_scenes.texture import (
    Painted,
    colour,
    finish,
    opaque,
    polygon,
    roughen,
    sheet,
    whole,
    write,
)

METALS = [(96, 98, 100), (60, 62, 64), (150, 152, 150), (70, 84, 70), (110, 84, 60), (44, 48, 56)]


@whole
def pole(rng: Generator, wood: bool) -> Painted:
    """A round pole: dark at both edges."""
    base = colour(rng, [(104, 80, 58), (120, 100, 80)] if wood else METALS, 8)
    across = 0.6 + 0.55 * np.sin(np.linspace(0.5, 2.6, 8, dtype=np.float32))
    canvas = sheet(64, 8, base) * across[:, None]
    roughen(canvas, rng, (8, 4.0), (2, 3.0))
    return finish(canvas)


def traffic_light(rng: Generator, state: int, back: bool) -> Painted:
    """A signal head of three lamps; state 0 red, 1 amber, 2 green."""
    h, w = 72, 30
    body = colour(rng, [(26, 28, 28), (34, 44, 36), (200, 160, 40)], 6)
    canvas = sheet(h, w, body * 0.8, 4)
    canvas[..., 3] = 255
    glow = np.zeros((h, w), np.uint8)
    cv2.rectangle(canvas, (3, 2), (w - 4, h - 3), opaque(body), -1)
    lamps = () if back else ((250, 44, 30), (255, 180, 40), (60, 250, 150))
    for lamp, lit in enumerate(lamps):
        centre = (w // 2, 14 + 22 * lamp)
        if lamp == state:
            cv2.circle(glow, centre, 8, 1, -1)
        fill = lit if lamp == state else np.array(lit) * 0.18 + 8
        cv2.circle(canvas, centre, 8, opaque(fill), -1)
        cv2.ellipse(canvas, centre, (10, 10), 0, 190, 350, (10, 10, 10, 255), 2)
    return finish(canvas, glow > 0)


def _glyph(canvas, rng, box, ink) -> None:
    """Something written: a bar, an arrow, digits or a figure."""
    x0, y0, x1, y1 = box
    kind = rng.integers(4)
    if kind == 0:
        cv2.rectangle(canvas, (x0, (y0 + y1) // 2 - 3), (x1, (y0 + y1) // 2 + 3), ink, -1)
    elif kind == 1:
        tip = (int(rng.choice([x0, (x0 + x1) // 2, x1])), y0)
        cv2.arrowedLine(canvas, ((x0 + x1) // 2, y1), tip, ink, 4, tipLength=0.4)
    elif kind == 2:
        write(canvas, str(rng.integers(2, 12) * 10), (x0 - 2, y1), 0.75, ink, 3)
    else:
        centre = ((x0 + x1) // 2, (y0 + y1) // 2)
        cv2.circle(canvas, (centre[0], y0 + 3), 4, ink, -1)
        cv2.line(canvas, (centre[0], y0 + 4), (centre[0] - 3, y1), ink, 4)
        cv2.line(canvas, centre, (x1, y1), ink, 3)


def sign(rng: Generator, shape: str) -> Painted:
    """A traffic sign: 'circle', 'triangle', 'square', 'diamond', 'octagon' or 'board'."""
    h, w = (64, 64) if shape != 'board' else (64, 112)
    canvas = sheet(h, w, 128, 4)
    blue, red, white = (36, 84, 160), (196, 36, 40), (238, 238, 234)
    yellow, green, brown = (240, 190, 40), (24, 108, 74), (112, 74, 44)
    black, ink = (24, 24, 26, 255), None
    if shape == 'circle':
        rim, face = [(red, white), (blue, blue), (red, blue), (white, red)][rng.integers(4)]
        cv2.circle(canvas, (32, 32), 31, opaque(rim), -1)
        cv2.circle(canvas, (32, 32), 24, opaque(face), -1)
        ink = black if face == white else opaque(white)
    elif shape == 'triangle':
        points = np.array([[1, 60], [63, 60], [32, 3]])
        if rng.random() < 0.3:
            points = 63 - points
        face = white if rng.random() < 0.6 else yellow
        polygon(canvas, points, red)
        polygon(canvas, np.round((points - points.mean(0)) * 0.68 + points.mean(0)), face)
        _glyph(canvas, rng, (25, 28, 39, 46), black)
    elif shape == 'octagon':
        angle = (np.arange(8) + 0.5) * np.pi / 4
        points = np.stack([32 + 31 * np.cos(angle), 32 + 31 * np.sin(angle)], axis=1)
        polygon(canvas, points, white)
        polygon(canvas, (points - 32) * 0.9 + 32, red)
        write(canvas, 'STOP', (8, 39), 0.62, opaque(white), 3)
    elif shape == 'diamond':
        polygon(canvas, [[32, 0], [63, 32], [32, 63], [0, 32]], (30, 30, 30))
        polygon(canvas, [[32, 3], [60, 32], [32, 60], [3, 32]], yellow)
        ink = black
    else:
        face = [blue, green, white, yellow, brown, red][rng.integers(6)]
        edge = white if face != white else (30, 30, 30)
        polygon(canvas, [[0, 0], [w, 0], [w, h], [0, h]], edge)
        polygon(canvas, [[3, 3], [w - 4, 3], [w - 4, h - 4], [3, h - 4]], face)
        if shape == 'square':
            ink = opaque(edge)
        else:
            for row in (22, 42):
                text = ''.join(rng.choice(list('AEHILNORST'), rng.integers(3, 7)))
                write(canvas, text, (9, row), 0.55, opaque(edge), 2)
    if ink is not None:
        _glyph(canvas, rng, (22, 18, 42, 46), ink)
    roughen(canvas, rng, (12, 5.0))
    return finish(canvas)


def sign_back(rng: Generator, shape: str) -> Painted:
    """The grey back of a sign."""
    image, _ = sign(rng, shape)
    image[..., :3] = colour(rng, [(120, 122, 124), (96, 98, 100)], 6).astype(np.uint8)
    return image, None
