"""Textures of cars, trucks, buses and trains. Sides are painted with the front to the right."""

import cv2
import numpy as np
from numpy.random import Generator

from poodle_scenes.paint_buildings import PAINTS
from poodle_scenes.texture import (
    Painted,
    colour,
    fade,
    finish,
    opaque,
    polygon,
    roughen,
    sheet,
    whole,
    write,
)

CAR_PAINTS = [
    (226, 226, 224), (30, 31, 34), (150, 153, 156), (92, 95, 98), (150, 28, 30), (36, 62, 118),
    (40, 76, 58), (176, 160, 130), (96, 66, 48), (222, 176, 40), (110, 150, 180), (200, 90, 36),
]  # fmt: skip
_GLASS = np.array([44.0, 52, 60])
_DARK = (24.0, 24.0, 26.0)
Colour = tuple[float, float, float]


def _wheel(canvas, x: int, y: int, r: int) -> None:
    cv2.circle(canvas, (x, y), r, (22, 22, 24, 255), -1)
    cv2.circle(canvas, (x, y), int(r * 0.62), (138, 140, 144, 255), -1)
    for angle in np.arange(0, 2 * np.pi, 2 * np.pi / 5):
        end = (int(x + 0.6 * r * np.cos(angle)), int(y + 0.6 * r * np.sin(angle)))
        cv2.line(canvas, (x, y), end, (70, 72, 76, 255), max(r // 6, 1))


def car_side(
    rng: Generator,
    paint: Colour,
    length: float,
    belt: float,
    outline: list[tuple[float, float]],
) -> Painted:
    """Lower body. outline: (metres from the rear, metres up) of its upper edge, rear to front."""
    scale = 40
    w, h = int(length * scale), int(belt * scale)
    canvas = sheet(h, w, np.array(paint) * 0.9, 4)
    sill = 0.24
    points = [(0.02, sill), *outline, (length - 0.02, sill)]
    polygon(canvas, [(x * scale, h - y * scale) for x, y in points], paint)
    canvas[..., :3] *= fade(h, 1.12, 0.68)
    crease = int(h * rng.uniform(0.3, 0.45))
    canvas[crease : crease + 2, :, :3] *= 1.12
    r = int(0.33 * scale)
    for x in (0.38, 0.62 if length > 3.8 else 0.6):
        canvas[4 : int(h * 0.86), int(x * w) : int(x * w) + 1, :3] *= 0.6
        canvas[h // 4 : h // 4 + 2, int(x * w) - 9 : int(x * w) - 3, :3] *= 0.6
    canvas[int(h - (sill + 0.08) * scale) : int(h - sill * scale), :, :3] = _DARK
    for x in (int(0.19 * w), int(0.81 * w)):
        cv2.circle(canvas, (x, h - r - 1), int(r * 1.18), (14, 14, 15, 255), -1)
        _wheel(canvas, x, h - r - 1, r)
    lamp = int(0.34 * h)
    canvas[lamp : lamp + 6, : int(0.05 * w), :3] = (150, 24, 22)
    canvas[lamp : lamp + 6, int(0.94 * w) :, :3] = (226, 226, 214)
    return finish(canvas)


def car_cabin(
    rng: Generator,
    paint: Colour,
    length: float,
    height: float,
    rear: float,
    front: float,
    pillars: int,
) -> Painted:
    """Side windows; rear, front: metres by which the roof is shorter at either end."""
    scale = 40
    w, h = int(length * scale), int(height * scale)
    paint = np.array(paint)
    canvas = sheet(h, w, paint * 0.9, 4)

    def hull(inset):
        left, right = rear * scale + inset, w - front * scale - inset
        return [(inset, h), (left, inset), (right, inset), (w - inset, h)]

    polygon(canvas, hull(0), paint * 0.95)
    mask = canvas[..., 3].copy()
    polygon(canvas, hull(4), _GLASS * rng.uniform(0.6, 1.2))
    canvas[: h // 2, :, :3] += 14
    for k in range(1, pillars + 1):
        x = int(rear * scale + k / (pillars + 1) * (w - (rear + front) * scale))
        cv2.rectangle(canvas, (x - 2, 2), (x + 2, h), opaque(paint * 0.8), -1)
    canvas[..., 3] = mask
    return finish(canvas)


def car_window(rng: Generator, paint: Colour, inset: float) -> Painted:
    """Windscreen or rear window, narrower at the top by ``inset`` (share of the width) a side."""
    h, w = 40, 96
    canvas = sheet(h, w, paint, 4)
    x = inset * w
    outer = [(0, h), (x, 0), (w - 1 - x, 0), (w - 1, h)]
    inner = [(5, h - 3), (x + 5, 3), (w - 6 - x, 3), (w - 6, h - 3)]
    polygon(canvas, outer, np.array(paint) * 0.9)
    polygon(canvas, inner, _GLASS * rng.uniform(0.6, 1.3))
    canvas[..., :3] += fade(h, 46, 0) * rng.uniform(0.2, 1.0)
    for x in (0.3, 0.7):
        if rng.random() < 0.6:
            cv2.circle(canvas, (int(x * w), int(0.62 * h)), 6, (26, 26, 28, 255), -1)
    return finish(canvas)


@whole
def car_panel(rng: Generator, paint: Colour) -> Painted:
    """Roof, bonnet or boot lid."""
    canvas = sheet(24, 48, np.array(paint) * 1.08)
    roughen(canvas, rng, (12, 5.0))
    canvas[:, [0, 1, -2, -1]] *= 0.7
    return finish(canvas)


def car_end(
    rng: Generator, paint: Colour, width: float, height: float, front: bool, night: bool
) -> Painted:
    """Front or back below the windows, down to the ground, with the tyres."""
    scale = 48
    w, h = int(width * scale), int(height * scale)
    canvas = sheet(h, w, np.array(paint) * 0.9, 4)
    glow = np.zeros((h, w), bool)
    sill = int(h - 0.26 * scale)
    canvas[:sill, :, 3] = 255
    canvas[:sill, :, :3] = paint
    canvas[:sill, :, :3] *= fade(sill, 1.1, 0.75)
    tyre = int(0.22 * scale)
    for x in (int(0.05 * w), w - tyre - int(0.05 * w)):
        canvas[sill:, x : x + tyre] = (20, 20, 22, 255)
    bumper = int(0.52 * h)
    canvas[bumper : bumper + 1, :, :3] *= 0.55
    canvas[int(0.66 * h) : sill, int(0.08 * w) : int(0.92 * w), :3] *= rng.choice([0.45, 1.0])
    lamp_w, lamp_h = int(rng.uniform(0.14, 0.24) * w), int(rng.uniform(0.1, 0.22) * h)
    y = int(0.2 * h)
    if front:
        lamp = (240, 238, 220) if night else (200, 206, 208)
    else:
        lamp = (255, 48, 40) if night or rng.random() < 0.3 else (168, 20, 22)
    for x in (int(0.03 * w), w - int(0.03 * w) - lamp_w):
        cv2.rectangle(canvas, (x, y), (x + lamp_w, y + lamp_h), opaque(lamp), -1)
        glow[y : y + lamp_h + 1, x : x + lamp_w + 1] = night
    if front:
        grille = slice(int(0.24 * h), int(0.46 * h))
        canvas[grille, int(0.3 * w) : int(0.7 * w), :3] = _DARK
        canvas[grille.start : grille.stop : 3, int(0.3 * w) : int(0.7 * w), :3] += 30
    low, high = (0.56, 0.12) if front else (0.36, 0.13)
    plate = slice(int(low * h), int(low * h) + int(high * scale))
    plates = [(226, 226, 216), (222, 196, 90)]
    canvas[plate, int(0.37 * w) : int(0.63 * w), :3] = colour(rng, plates)
    canvas[plate.start + 2 : plate.stop - 1 : 2, int(0.41 * w) : int(0.59 * w) : 2, :3] = 40
    return finish(canvas, glow)


def long_side(
    rng: Generator,
    kind: str,
    paint: Colour,
    length: float,
    height: float,
    cab: float,
    night: bool,
) -> Painted:
    """Side of a truck, bus or train; cab: length of the cab in metres (trucks)."""
    scale = min(28, 480 / length)
    w, h = int(length * scale), int(height * scale)
    canvas = sheet(h, w, paint, 4)
    glow = np.zeros((h, w), bool)
    floor = int(h - (1.0 if kind == 'truck' else 0.4) * scale)
    canvas[:floor, :, 3] = 255
    glass = _GLASS * rng.uniform(0.7, 1.4)
    if kind == 'truck':
        start = w - int(cab * scale)
        box = colour(rng, [(226, 226, 222), (150, 154, 158), *PAINTS])
        canvas[:floor, : start - 3, :3] = box
        for x in range(0, start - 3, max(int(scale * rng.uniform(0.5, 2.0)), 3)):
            canvas[:floor, x : x + 1, :3] *= 0.86
        if rng.random() < 0.5:
            band = slice(int(0.3 * floor), int(rng.uniform(0.45, 0.6) * floor))
            canvas[band, int(0.1 * start) : int(0.9 * start), :3] = colour(rng, PAINTS)
        top = int(h - min(2.7, height * 0.85) * scale)
        canvas[:top, start - 3 :, 3] = 0
        canvas[:floor, start - 4 : start, 3] = 0
        door = slice(start + int(0.25 * cab * scale), w - int(0.12 * cab * scale))
        canvas[top + 3 : top + int(0.9 * scale), door, :3] = glass
        canvas[floor : floor + int(0.25 * scale), 6 : w - 4] = (40, 40, 42, 255)
        low = slice(floor, int(h - 0.4 * scale))
        canvas[low, start:] = opaque(np.array(paint) * 0.8)
        axles = [0.6, 1.75, length - 1.0] if length > 6 else [1.0, length - 0.9]
    else:
        canvas[int(0.62 * h) : int(0.74 * h), :, :3] = colour(rng, PAINTS)
        pane = rng.uniform(1.2, 2.0) * scale
        for x in np.arange(0.4 * scale, w - pane, pane):
            window = (slice(int(0.2 * h), int(0.5 * h)), slice(int(x), int(x + 0.86 * pane)))
            canvas[window][..., :3] = glass * rng.uniform(0.8, 1.2)
            if night:
                canvas[window][..., :3] = (236, 226, 190)
                glow[window] = 1
        for x in (0.86, 0.45) if kind == 'bus' else (0.15, 0.5, 0.85):
            door = (slice(int(0.2 * h), floor), slice(int(x * w), int(x * w + 1.1 * scale)))
            canvas[door][..., :3] *= 0.6
        axles = [2.2, length - 2.4] if kind == 'bus' else [1.6, 3.4, length - 3.4, length - 1.6]
    canvas[..., :3] *= fade(h, 1.08, 0.85)
    r = int(0.48 * scale)
    for x in axles:
        _wheel(canvas, int(x * scale), h - r - 1, r)
    return finish(canvas, glow)


def long_end(
    rng: Generator,
    kind: str,
    paint: Colour,
    width: float,
    height: float,
    front: bool,
    night: bool,
) -> Painted:
    """Front or back of a truck, bus or train, down to the ground."""
    scale = 36
    w, h = int(width * scale), int(height * scale)
    canvas = sheet(h, w, paint, 4)
    glow = np.zeros((h, w), bool)
    floor = int(h - 0.5 * scale)
    canvas[:floor, :, 3] = 255
    for x in (int(0.05 * w), int(0.95 * w) - int(0.3 * scale)):
        canvas[floor:, x : x + int(0.3 * scale)] = (22, 22, 24, 255)
    glass = _GLASS * rng.uniform(0.7, 1.3)
    if kind == 'truck' and not front:
        canvas[:floor, :, :3] = colour(rng, [(222, 222, 218), (140, 144, 150), *PAINTS])
        canvas[:floor, w // 2 - 1 : w // 2 + 1, :3] *= 0.5
        for x in (0.2, 0.42, 0.58, 0.8):
            canvas[: int(0.75 * h), int(x * w) : int(x * w) + 2, :3] *= 0.75
        canvas[: int(0.75 * h) : max(h // 5, 1), :, :3] *= 0.85
        canvas[int(0.78 * h) : floor, :, :3] = (44, 44, 46)
    else:
        low = 0.62 if front else 0.45
        canvas[int(0.14 * h) : int(low * h), int(0.07 * w) : int(0.93 * w), :3] = glass
        canvas[int(0.14 * h) : int(0.3 * h), int(0.07 * w) : int(0.93 * w), :3] += 22
        canvas[int(0.03 * h) : int(0.11 * h), int(0.2 * w) : int(0.8 * w), :3] = (28, 28, 30)
        if kind == 'bus':
            at = (w // 2 - 12, int(0.11 * h))
            write(canvas, str(rng.integers(2, 99)), at, 0.4, (255, 180, 60, 255), 1)
    lamp = (250, 246, 226) if front else (200, 26, 26)
    for x in (0.06, 0.8):
        box = (slice(int(0.74 * h), int(0.8 * h)), slice(int(x * w), int((x + 0.14) * w)))
        canvas[box] = opaque(lamp)
        glow[box] = night
    canvas[int(0.84 * h), :, :3] *= 0.5
    return finish(canvas, glow)
