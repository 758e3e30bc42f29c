"""Textures of buildings, walls and fences."""

import cv2
import numpy as np
from numpy.random import Generator

from poodle_scenes.texture import Painted, colour, fade, finish, polygon, roughen, sheet, whole

FACADES = [
    (150, 72, 52), (186, 150, 110), (214, 202, 178), (128, 128, 126), (196, 196, 192),
    (90, 100, 112), (168, 104, 80), (110, 124, 96), (206, 176, 96), (84, 62, 50), (120, 140, 158),
    (222, 220, 214), (66, 70, 76), (176, 120, 118),
]  # fmt: skip
PAINTS = [
    (190, 60, 46), (46, 84, 150), (52, 110, 70), (226, 196, 60), (230, 228, 222), (40, 40, 44),
    (140, 60, 110), (230, 130, 50), (70, 150, 160),
]  # fmt: skip
FENCES = [(230, 228, 220), (120, 84, 54), (60, 64, 66), (160, 164, 166), (46, 74, 56)]


def _bricks(canvas: np.ndarray, rng, course: int, strength: float) -> None:
    """Darken the joints of a brick bond."""
    canvas[::course, :, :3] *= 1 - strength
    length = course * 3
    for row in range(0, len(canvas), course):
        shift = (row // course % 2) * length // 2
        canvas[row : row + course, shift::length, :3] *= 1 - strength
    roughen(canvas, rng, (course, 6.0))


@whole
def facade(rng: Generator, width: float, height: float, night: bool, shops: bool) -> Painted:
    """Front of a building; width, height in metres."""
    scale = min(20, 420 / max(width, height))  # texels per metre
    w, h = max(int(width * scale), 16), max(int(height * scale), 16)
    base = colour(rng, FACADES)
    canvas = sheet(h, w, base)
    glow = np.zeros((h, w), bool)
    style = rng.integers(4)  # brick, plaster, panels, glass
    roughen(canvas, rng, (int(4 * scale), 5.0), (int(scale), 4.0), (1, 3.0))
    floor = rng.uniform(2.9, 3.8) * scale
    bay = rng.uniform(1.9, 4.2) * scale
    if style == 0:
        _bricks(canvas, rng, max(int(scale * 0.22), 2), 0.16)
    elif style == 2:
        for row in np.arange(0, h, floor / 2):
            canvas[int(row) : int(row) + 1] *= 0.8
        for column in np.arange(0, w, bay / 2):
            canvas[:, int(column) : int(column) + 1] *= 0.85
    storeys, bays = max(int(h / floor), 1), max(int(w / bay), 1)
    floor, bay = h / storeys, w / bays
    share_w, share_h = rng.uniform(0.35, 0.7), rng.uniform(0.42, 0.7)
    if style == 3:
        share_w, share_h = rng.uniform(0.86, 0.95), rng.uniform(0.7, 0.9)
    frame = np.clip(base * rng.choice([0.55, 1.35]) + rng.choice([-20, 30]), 0, 255)
    glass = colour(rng, [(70, 84, 100), (50, 54, 60), (110, 130, 150), (84, 100, 96)], 10)
    balcony = rng.random() < 0.2
    for i in range(storeys):
        for j in range(bays):
            x0, x1 = (int((j + 0.5 + k * share_w / 2) * bay) for k in (-1, 1))
            y0, y1 = (int((i + 0.5 + k * share_h / 2) * floor) for k in (-1, 1))
            cv2.rectangle(canvas, (x0 - 1, y0 - 1), (x1 + 1, y1 + 1), frame.tolist(), -1)
            lit = night and rng.random() < 0.35
            pane = glass * rng.uniform(0.7, 1.3)
            if lit:
                pane = np.array([250, 214, 140]) * rng.uniform(0.6, 1.0)
                glow[y0 : y1 + 1, x0 : x1 + 1] = 1
            cv2.rectangle(canvas, (x0, y0), (x1, y1), pane.tolist(), -1)
            if not lit:
                # The sky's reflection in the upper half, a curtain in some windows.
                canvas[y0 : (y0 + y1) // 2, x0 : x1 + 1] += 16
                if rng.random() < 0.3:
                    canvas[y0 : y1 + 1, x0 : (x0 + x1) // 2] += rng.uniform(20, 80)
            canvas[y0 : y1 + 1, (x0 + x1) // 2 : (x0 + x1) // 2 + 1] = frame
            canvas[y1 + 1 : y1 + 3, max(x0 - 2, 0) : x1 + 3] *= 0.72
            if balcony and i < storeys - 1:
                canvas[y1 : y1 + 2, max(x0 - 3, 0) : x1 + 4] = frame * 0.7
    if shops:
        top = int(h - min(3.6 * scale, 0.6 * h))
        canvas[top:] = colour(rng, FACADES) * 0.8
        glow[top:] = 0
        x = int(0.3 * scale)
        while x < w - int(1.5 * scale):
            span = int(rng.uniform(2, 6) * scale)
            end = min(x + span, w - 2)
            sign = colour(rng, PAINTS)
            window = glass * rng.uniform(0.5, 1.4) + rng.uniform(0, 40)
            canvas[top + int(0.9 * scale) : h - int(0.4 * scale), x:end] = window
            band = slice(top + int(0.1 * scale), top + int(0.8 * scale))
            canvas[band, x:end] = sign
            for letter in range(x + 3, end - 4, 5):
                if rng.random() < 0.7:
                    canvas[band.start + 3 : band.stop - 3, letter : letter + 3] = 250 - sign
            if night and rng.random() < 0.7:
                canvas[top + int(0.9 * scale) : h - int(0.4 * scale), x:end] = (255, 226, 170)
                glow[band.start : h - int(0.4 * scale), x:end] = 1
            x = end + int(rng.uniform(0.2, 1.0) * scale)
    elif rng.random() < 0.8:
        door = int(rng.uniform(0.1, 0.8) * w)
        canvas[h - int(2.3 * scale) :, door : door + int(1.3 * scale)] = colour(rng, PAINTS) * 0.6
    canvas[: max(int(0.5 * scale), 1)] *= rng.choice([0.7, 1.2])
    return finish(canvas * fade(h, 1.06, 0.86), glow)


def gable(rng: Generator, base: tuple[float, float, float], window: bool) -> Painted:
    """Triangular end of a pitched roof."""
    h, w = 64, 96
    canvas = sheet(h, w, base, 4)
    polygon(canvas, [(0, h), (w // 2, 0), (w, h)], base)
    canvas[::6, :, :3] *= 0.86
    if window:
        canvas[30:52, 40:56, :3] = (70, 80, 92)
    return finish(canvas)


@whole
def roof(rng: Generator) -> Painted:
    """Tiles or shingles."""
    canvas = sheet(96, 160, colour(rng, [(120, 64, 48), (70, 70, 74), (96, 84, 74), (60, 74, 70)]))
    canvas[::7] *= 0.8
    roughen(canvas, rng, (24, 5.0), (7, 7.0), (2, 6.0))
    return finish(canvas)


@whole
def wall(rng: Generator, width: float, height: float) -> Painted:
    """Free-standing wall: bricks, concrete panels, rubble or render, sometimes with graffiti."""
    scale = min(32, 480 / width)
    w, h = max(int(width * scale), 16), max(int(height * scale), 12)
    base = colour(rng, [*FACADES, (150, 150, 144), (126, 118, 104), (90, 110, 84)])
    canvas = sheet(h, w, base)
    roughen(canvas, rng, (24, 7.0), (8, 6.0), (2, 5.0))
    style = rng.integers(3)
    if style == 0:
        _bricks(canvas, rng, max(int(scale * 0.2), 3), 0.25)
    elif style == 1:
        for column in range(0, w, max(int(scale * rng.uniform(2, 4)), 6)):
            canvas[:, column : column + 2] *= 0.7
    else:
        for _ in range(w * h // 60):
            centre = (int(rng.integers(w)), int(rng.integers(h)))
            stone = base * rng.uniform(0.6, 1.3)
            axes = (int(rng.integers(3, 8)), int(rng.integers(2, 5)))
            cv2.ellipse(canvas, centre, axes, 0, 0, 360, stone.tolist(), -1)
    canvas[: max(h // 10, 2)] = np.clip(base * 1.2 + 10, 0, 255)
    if rng.random() < 0.3:
        for _ in range(8):
            points = np.cumsum(rng.normal(0, 6, (8, 2)), axis=0)
            points += (rng.integers(w), h * 0.6)
            ink = colour(rng, PAINTS).tolist()
            cv2.polylines(canvas, [points.astype(np.int32)], False, ink, 2)
    return finish(canvas * fade(h, 1.05, 0.8))


def fence(rng: Generator, width: float, height: float) -> Painted:
    """Fence with holes: pickets, boards, bars, mesh or a guard rail."""
    scale = 40 if height < 1.2 else 32
    w, h = int(width * scale), int(height * scale)
    base = colour(rng, FENCES)
    canvas = sheet(h, w, base, 4)
    alpha = canvas[..., 3]
    style = rng.integers(5)
    if style == 4:  # guard rail
        alpha[int(0.25 * h) : int(0.65 * h)] = 255
        canvas[int(0.42 * h) : int(0.48 * h), :, :3] *= 0.6
        canvas[int(0.25 * h) : int(0.3 * h), :, :3] *= 1.15
        for x in range(4, w, int(2 * scale)):
            alpha[int(0.3 * h) :, x : x + 5] = 255
            canvas[int(0.65 * h) :, x : x + 5, :3] *= 0.7
    else:
        pitch, bar = [(5, 3), (9, 8), (6, 2), (7, 2)][style]
        for x in range(0, w, pitch):
            alpha[:, x : x + bar] = 255
            canvas[:, x : x + bar, :3] *= rng.uniform(0.85, 1.12)
        for y in (0.12, 0.8):
            alpha[int(y * h) : int(y * h) + 3] = 255
            canvas[int(y * h) : int(y * h) + 3, :, :3] *= 0.8
        if style == 3:
            for y in range(0, h, 6):
                alpha[y : y + 2] = 255
        for x in range(0, w, int(2.5 * scale)):
            alpha[:, x : x + 5] = 255
            canvas[:, x : x + 5, :3] *= 0.75
    return finish(canvas)
