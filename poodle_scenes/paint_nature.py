"""Textures of trees, bushes, hedges and the tree line at the horizon."""

from itertools import pairwise

import cv2
import numpy as np
from numpy.random import Generator

from poodle_scenes.texture import Painted, colour, finish, noise, opaque, polygon, roughen, sheet

GREENS = [(74, 104, 44), (52, 84, 40), (98, 118, 52), (60, 92, 62), (112, 128, 70)]
AUTUMN = [(170, 104, 40), (186, 140, 46), (140, 60, 36), (120, 110, 50), (150, 84, 44)]
SPRING = [(130, 160, 70), (206, 160, 176), (150, 170, 90), (222, 214, 206)]
BARK = [(86, 66, 50), (64, 54, 46), (112, 100, 88), (128, 122, 112)]


def leaves(rng: Generator, season: str) -> np.ndarray:
    """A foliage colour of the season."""
    palette = {'autumn': AUTUMN + GREENS[:1], 'spring': SPRING + GREENS}.get(season, GREENS)
    return colour(rng, palette, 14)


def _clumps(canvas, rng, base, centres, radius, side) -> None:
    """Leaf clumps, dark ones first; lit from above and from the sun's side (-1 left, 1 right)."""
    for layer, brightness in enumerate((0.55, 0.8, 1.05, 1.35)):
        for x, y in centres:
            r = radius * rng.uniform(0.45, 1.0) * (1 - 0.16 * layer)
            cx = x + side * layer * radius * 0.18 + rng.normal(0, radius * 0.4)
            cy = y - layer * radius * 0.22 + rng.normal(0, radius * 0.35)
            tone = np.clip(base * brightness * rng.uniform(0.85, 1.15), 0, 255)
            axes = (max(int(r), 1), max(int(r * rng.uniform(0.6, 0.95)), 1))
            angle = float(rng.uniform(0, 180))
            cv2.ellipse(canvas, (int(cx), int(cy)), axes, angle, 0, 360, opaque(tone), -1)


def _speckle(canvas, rng, amount: float) -> None:
    h, w = canvas.shape[:2]
    canvas[..., :3] *= 1 + noise(rng, (h, w), ((2, 0.16), (1, 0.12)))[..., None] * amount
    # Ragged edges and holes between the leaves.
    holes = noise(rng, (h, w), ((2, 1.0), (5, 0.8)))
    soft = cv2.GaussianBlur(canvas[..., 3], (0, 0), 2.0)
    canvas[..., 3] = np.where((soft / 255 + 0.17 * holes > 0.4) & (soft > 25), 255, 0)


def tree(rng: Generator, kind: str, season: str, side: float) -> Painted:
    """A tree, 128 × 160 texels: 'round', 'tall', 'conifer', 'palm' or 'bare'."""
    h, w = 160, 128
    base = leaves(rng, 'summer' if kind == 'conifer' else season)
    canvas = sheet(h, w, base * 0.6, 4)
    crown, trunk = canvas.copy(), opaque(colour(rng, BARK, 8))
    lean = rng.normal(0, 3)
    polygon(canvas, [(60, h), (68, h), (66 + lean, 70), (62 + lean, 70)], trunk[:3])
    if kind == 'conifer':
        for y in np.linspace(150, 8, 16):
            half = (y / 150) * rng.uniform(34, 46)
            x = np.linspace(64 - half, 64 + half, 7)
            centres = np.stack([x, np.full(7, y - 6) + np.abs(x - 64) * 0.25], axis=1)
            _clumps(crown, rng, base * 0.8, centres[1:-1], 7, side)
    elif kind == 'palm':
        for angle in np.linspace(-0.2, np.pi + 0.2, 13):
            points = [
                (64 + lean + 52 * q * np.cos(angle), 44 - 50 * q * np.sin(angle) + 38 * q * q)
                for q in np.linspace(0, 1, 8)
            ]
            line = opaque(np.clip(base * rng.uniform(0.6, 1.25), 0, 255))
            for k, (a, b) in enumerate(pairwise(points)):
                ends = np.array([a, b], int).tolist()
                cv2.line(crown, *ends, line, 7 - k if k < 5 else 2)
        cv2.line(canvas, (64, h - 1), (int(64 + lean), 42), trunk, 6)
    elif kind == 'bare':
        _branches(canvas, rng, trunk, np.array([64.0, 110.0]), -np.pi / 2, 38, 6)
    else:
        rx, ry, cy = (46, 44, 58) if kind == 'round' else (28, 62, 72)
        angle, radius = rng.uniform(0, 2 * np.pi, 44), np.sqrt(rng.uniform(0, 1, 44))
        x, y = 64 + rx * radius * np.cos(angle), cy + ry * radius * np.sin(angle)
        _clumps(crown, rng, base, np.stack([x, y], axis=1), rng.uniform(8, 13), side)
    if kind != 'bare':
        if kind != 'palm':
            _speckle(crown, rng, 1.6)
        mask = crown[..., 3] > 127
        canvas[mask] = crown[mask]
    solid = canvas[..., 3] > 127
    canvas[~solid, :3] = canvas[solid, :3].mean(axis=0)
    return finish(canvas)


def _branches(canvas, rng, fill, start, angle, length, width) -> None:
    end = start + length * np.array([np.cos(angle), np.sin(angle)])
    cv2.line(canvas, *np.array([start, end], int).tolist(), fill, max(width, 1))
    if length < 7:
        return
    for _ in range(3):
        turn = rng.uniform(-0.75, 0.75)
        step = length * rng.uniform(0.6, 0.82)
        _branches(canvas, rng, fill, end, angle + turn, step, width // 2 + width % 2)


def bush(rng: Generator, season: str, side: float, hedge: bool) -> Painted:
    """A bush or a piece of clipped hedge, 128 × 64 texels."""
    h, w = 64, 128
    base = leaves(rng, season)
    canvas = sheet(h, w, base * 0.6, 4)
    if hedge:
        canvas[8:, :, 3] = 255
        centres = rng.uniform([4, 12], [w - 4, h], (70, 2))
        _clumps(canvas, rng, base, centres, 6, side)
    else:
        x = rng.uniform(14, w - 14, 26)
        top = 14 + 34 * np.abs(x / w - 0.5) ** 1.5 * 2
        y = top + rng.uniform(0, 1, 26) * (h - top)
        _clumps(canvas, rng, base, np.stack([x, y], axis=1), rng.uniform(8, 12), side)
    canvas[h - 3 :, 10:-10, 3] = 255
    _speckle(canvas, rng, 1.0)
    return finish(canvas)


def tree_line(rng: Generator, season: str, hills: bool) -> Painted:
    """Far woods or wooded hills, 512 × 64 texels."""
    h, w = 64, 512
    base = leaves(rng, season) * 0.7 + 20
    ridge = noise(rng, (2, w), ((128, 1.0),) if hills else ((40, 0.6), (14, 0.5), (5, 0.5)))[0]
    top = np.clip(26 + 9 * ridge, 2, h - 6)
    if not hills:
        top += np.abs(noise(rng, (2, w), ((3, 3.0), (1, 1.5)))[0])
    canvas = sheet(h, w, base, 4)
    canvas[..., 3] = np.where(np.arange(h)[:, None] > top, 255, 0)
    roughen(canvas, rng, (16, 8.0), (5, 9.0), (2, 6.0))
    return finish(canvas)
