"""Static things along a road, built from textured parallelograms at a `Place`."""

import numpy as np
from numpy.random import Generator

from poodle_scenes import paint_buildings as buildings
from poodle_scenes import paint_nature as nature
from poodle_scenes import paint_street as street
from poodle_scenes.builder import Place
from poodle_scenes.texture import colour


def box_sides(width: float, length: float) -> dict[str, tuple]:
    """Ground corners (left, right) of a box's four faces, each as seen from outside."""
    w, n = width / 2, length / 2
    return {
        'back': ((-w, -n), (w, -n)),
        'right': ((w, -n), (w, n)),
        'front': ((w, n), (-w, n)),
        'left': ((-w, n), (-w, -n)),
    }


def _walls(place: Place, rng, width: float, length: float, height: float, shops: bool) -> None:
    seed = int(rng.integers(2**31))
    night = place.builder.look.night
    for left, right in box_sides(width, length).values():
        span = abs(right[0] - left[0]) + abs(right[1] - left[1])
        params = dict(width=span, height=height, night=night, shops=shops)
        place.panel(left, right, height, 0, 'building', buildings.facade, params, seed=seed)


def building(
    place: Place, rng: Generator, width: float, length: float, height: float, shops: bool
) -> None:
    """A block with a flat roof, width × length (x × z)."""
    _walls(place, rng, width, length, height, shops)


def house(place: Place, rng: Generator, width: float, length: float, eaves: float) -> None:
    """A house with a pitched roof, ridge along z."""
    _walls(place, rng, width, length, eaves, False)
    rise = width * rng.uniform(0.25, 0.45)
    sides = box_sides(width, length)
    base = tuple(map(float, colour(rng, buildings.FACADES)))
    params = dict(base=base, window=bool(rng.random() < 0.6))
    for face in ('back', 'front'):
        place.panel(*sides[face], eaves + rise, eaves, 'building', buildings.gable, params)
    w, n, over = width / 2, length / 2 + 0.4, 0.4
    drop = rise * (w + over) / w
    seed = int(rng.integers(2**31))
    for side in (-1, 1):
        ridge, slope = (0, 0, side * 2 * n), (side * (w + over), drop, 0)
        start = (0, -eaves - rise, -side * n)
        place.quad(start, ridge, slope, 'building', buildings.roof, {}, seed=seed, two_sided=True)


def barrier(place: Place, rng: Generator, length: float, height: float, kind: str) -> None:
    """A straight piece of 'wall', 'fence' or 'hedge' along local z."""
    left, right = (0, length / 2), (0, -length / 2)
    if kind == 'hedge':
        what = ('vegetation', nature.bush)
        params, seed = dict(season=place.builder.look.season, side=1.0, hedge=True), None
    else:
        what = (kind, buildings.wall if kind == 'wall' else buildings.fence)
        params, seed = dict(width=length, height=height), int(rng.integers(2**31))
    place.panel(left, right, height, 0, *what, params, seed=seed, two_sided=True)


def tree(place: Place, rng: Generator, height: float, kind: str) -> None:
    """A tree, facing local -z."""
    look = place.builder.look
    side = float(np.sign(np.sin(look.sun[0] - place.yaw)) or 1.0)
    params = dict(kind=kind, season=look.season, side=side)
    place.billboard(0.8 * height, height, 0, 'vegetation', nature.tree, params, gleam=1.1)
    place.shadow(0.5 * height, 0.5 * height, 0.4 * height, box=False)


def bush(place: Place, rng: Generator, width: float, height: float) -> None:
    """A bush, facing local -z."""
    params = dict(season=place.builder.look.season, side=1.0, hedge=False)
    place.billboard(width, height, 0, 'vegetation', nature.bush, params, gleam=1.1)


def _bar(place: Place, x0: float, x1: float, top: float, bottom: float, wood=False) -> None:
    ends = ((x0, 0), (x1, 0))
    place.panel(*ends, top, bottom, 'pole', street.pole, dict(wood=wood), two_sided=True)


def _post(place: Place, height: float, width: float, wood=False, x: float = 0.0) -> None:
    _bar(place, x - width / 2, x + width / 2, height, 0, wood)


def lamp_post(place: Place, rng: Generator, height: float, reach: float) -> None:
    """A street lamp whose arm reaches ``reach`` metres to the right (negative: left)."""
    _post(place, height, rng.uniform(0.15, 0.24))
    _bar(place, *sorted((0.0, reach)), height, height - 0.12)


def utility_pole(place: Place, rng: Generator, height: float) -> None:
    """A wooden pole with a cross-arm."""
    _post(place, height, rng.uniform(0.24, 0.34), wood=True)
    for drop in (0.5, 1.3)[: rng.integers(1, 3)]:
        _bar(place, -1.0, 1.0, height - drop, height - drop - 0.16, wood=True)


def sign(place: Place, rng: Generator, shape: str, size: float, bottom: float) -> None:
    """A traffic sign on a post, facing local -z."""
    _post(place, bottom + size * 0.9, 0.09)
    half = size * (1.75 if shape == 'board' else 1.0) / 2
    seed = int(rng.integers(2**31))
    ends = {False: ((-half, -0.06), (half, -0.06)), True: ((half, -0.05), (-half, -0.05))}
    for back, painter in ((False, street.sign), (True, street.sign_back)):
        what = ('traffic sign', painter, dict(shape=shape))
        place.panel(*ends[back], bottom + size, bottom, *what, seed=seed, flip=back)


def gantry(place: Place, rng: Generator, span: float) -> None:
    """Large direction boards above the road, facing local -z; span in metres to the left."""
    _post(place, 6.6, 0.3)
    _post(place, 6.6, 0.3, x=-span)
    _bar(place, -span, 0, 6.6, 6.2)
    what = ('traffic sign', street.sign, dict(shape='board'))
    for x in np.arange(-span + 0.8, -3.2, rng.uniform(4.5, 7)):
        ends = ((x, -0.1), (x + rng.uniform(2.6, 3.6), -0.1))
        place.another().panel(*ends, 7.4, 5.5, *what, two_sided=True)


def traffic_light(place: Place, rng: Generator, reach: float, state: int) -> None:
    """A signal facing local -z: a head on the post and one at the end of an arm."""
    height = 5.8 if reach else 3.4
    _post(place, height, 0.17)
    heads = [(0.0, 2.4)]
    if reach:
        _bar(place, *sorted((0.0, reach)), height, height - 0.14)
        heads.append((reach, height - 0.75))
    seed = int(rng.integers(2**31))
    for x, bottom in heads:
        head = place.another()
        for back, z, (x0, x1) in ((False, -0.2, (-0.22, 0.22)), (True, -0.14, (0.22, -0.22))):
            ends = ((x + x0, z), (x + x1, z))
            what = ('traffic light', street.traffic_light, dict(state=state, back=back))
            head.panel(*ends, bottom + 1.05, bottom, *what, seed=seed)
