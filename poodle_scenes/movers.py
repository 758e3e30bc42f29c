"""Vehicles and people, built from textured parallelograms at a `Place`; front towards local +z."""

from numpy.random import Generator

from poodle_scenes import paint_people as people
from poodle_scenes import paint_vehicles as vehicles
from poodle_scenes.builder import Place
from poodle_scenes.models import box_sides
from poodle_scenes.texture import colour

CARS = {
    # length, width, height, belt line; from the rear: rear deck, roof start, roof end, bonnet
    'sedan': (4.6, 1.8, 1.45, 0.95, (0.75, 1.35, 2.75, 3.45)),
    'hatch': (4.0, 1.75, 1.5, 0.95, (0.08, 0.45, 2.35, 3.05)),
    'estate': (4.7, 1.8, 1.48, 0.95, (0.06, 0.4, 2.8, 3.5)),
    'suv': (4.6, 1.9, 1.75, 1.1, (0.06, 0.4, 2.75, 3.4)),
    'van': (5.0, 1.95, 2.05, 1.2, (0.03, 0.12, 3.7, 4.4)),
    'pickup': (5.3, 1.95, 1.85, 1.1, (2.0, 2.15, 3.4, 4.0)),
    'small': (3.4, 1.62, 1.5, 0.92, (0.06, 0.35, 2.1, 2.7)),
}


def car(place: Place, rng: Generator, kind: str) -> None:
    """A car: lower body, leaning cabin, windows, lamps and wheels."""
    length, width, height, belt, (deck, roof0, roof1, bonnet) = CARS[kind]
    stretch = rng.uniform(0.94, 1.06)
    length, deck, roof0, roof1, bonnet = (stretch * q for q in (length, deck, roof0, roof1, bonnet))
    paint = tuple(map(float, colour(rng, vehicles.CAR_PAINTS)))
    night = place.builder.look.night
    seed = int(rng.integers(2**31))
    lean = rng.uniform(0.12, 0.2)
    w, n = width / 2, length / 2
    nose = belt * rng.uniform(0.78, 0.88)
    sides = box_sides(width, length)

    outline = [(0.02, belt), (bonnet, belt), (length - 0.12, nose), (length - 0.02, nose * 0.8)]
    what = ('car', vehicles.car_side, dict(paint=paint, length=length, belt=belt, outline=outline))
    for face, flip in (('left', True), ('right', False)):
        place.panel(*sides[face], belt, 0, *what, seed=seed, flip=flip)
    cabin, rise = bonnet - deck, height - belt
    pillars = 1 if kind in ('pickup', 'small') else 2
    ends = dict(rear=roof0 - deck, front=bonnet - roof1)
    params = dict(paint=paint, length=cabin, height=rise, **ends, pillars=pillars)
    what = ('car', vehicles.car_cabin, params)
    for side, z, run in ((-1, bonnet, -cabin), (1, deck, cabin)):
        corner, slope = (side * (w - lean), -height, z - n), (side * lean, rise, 0)
        place.quad(corner, (0, 0, run), slope, *what, seed=seed, flip=side < 0)
    what = ('car', vehicles.car_window, dict(paint=paint, inset=lean / width))
    for k, (side, top, low) in enumerate(((-1, roof0, deck), (1, roof1, bonnet))):
        corner, slope = (side * w, -height, top - n), (0, rise, low - top)
        place.quad(corner, (-side * width, 0, 0), slope, *what, seed=seed + k)
    what = ('car', vehicles.car_panel, dict(paint=paint))
    for z0, z1, y0, y1, half in (
        (roof0, roof1, height, height, w - lean),
        (bonnet, length - 0.06, belt, nose, w - 0.02),
        (0.02, deck, belt, belt, w - 0.02),
    ):
        if z1 - z0 > 0.2:
            corner, slope = (-half, -y1, z1 - n), (0, y1 - y0, z0 - z1)
            place.quad(corner, (2 * half, 0, 0), slope, *what, seed=seed)
    for face, top in (('back', belt), ('front', nose)):
        params = dict(paint=paint, width=width, height=top, front=face == 'front', night=night)
        place.panel(*sides[face], top, 0, 'car', vehicles.car_end, params, seed=seed)
    place.shadow(width, length, height, box=True)


def long_vehicle(
    place: Place, rng: Generator, kind: str, length: float, width: float, height: float
) -> None:
    """A 'truck', 'bus' or 'train' car."""
    light = [(226, 226, 222), (190, 192, 196), (222, 206, 160)]
    paints = [*light, *light, *vehicles.CAR_PAINTS, *vehicles.PAINTS]
    paint = tuple(map(float, colour(rng, paints)))
    same = dict(kind=kind, paint=paint, night=place.builder.look.night)
    seed = int(rng.integers(2**31))
    cab = rng.uniform(1.7, 2.3) if kind == 'truck' else 0.0
    sides = box_sides(width, length)
    params = dict(same, length=length, height=height, cab=cab)
    for face, flip in (('left', True), ('right', False)):
        place.panel(*sides[face], height, 0, kind, vehicles.long_side, params, seed=seed, flip=flip)
    low = min(2.7, height * 0.85) if kind == 'truck' else height
    for face, top in (('back', height), ('front', low)):
        params = dict(same, width=width, height=top, front=face == 'front')
        place.panel(*sides[face], top, 0, kind, vehicles.long_end, params, seed=seed)
    if kind == 'truck':
        z = length / 2 - cab - 0.1
        ends = ((width / 2, z), (-width / 2, z))
        place.panel(*ends, height, low * 0.6, kind, vehicles.car_panel, dict(paint=paint))
    place.shadow(width, length, min(height, 2.5), box=True)


def person(place: Place, rng: Generator, height: float) -> None:
    """A pedestrian, a flat figure across local x."""
    side = float(rng.choice([-1.0, 1.0]))
    flip = bool(rng.random() < 0.5)
    place.billboard(0.5 * height, height, 0, 'person', people.person, dict(side=side), flip=flip)
    place.shadow(0.4, 0.4, 0.8 * height, box=False)


def two_wheeler(place: Place, rng: Generator, motor: bool, ridden: bool) -> None:
    """A bicycle or motorcycle, seen from the side as a flat figure along local z, and its rider.

    Front and back views are a second pair of flat figures across local x.
    """
    label, painter = ('motorcycle', people.motorcycle) if motor else ('bicycle', people.bicycle)
    length, height = (2.1, 1.15) if motor else (1.75, 1.07)
    seed = int(rng.integers(2**31))
    rider = ('rider', people.rider, dict(motor=motor))
    for side in (-1, 1):
        x, half, options = side * 0.02, side * length / 2, dict(seed=seed, flip=side < 0)
        place.panel((x, -half), (x, half), height, 0, label, painter, {}, **options)
        if ridden:
            x, half = 2 * x, side * 0.62
            place.panel((x, -half), (x, half), 1.78, 0.12, *rider, **options)
    for vehicle, who, z in ((True, label, -0.1), (False, 'rider', -0.06))[: 1 + ridden]:
        params = dict(motor=motor, vehicle=vehicle)
        place.billboard(0.66, 1.78, 0, who, people.from_behind, params, z=z, seed=seed)
    place.shadow(0.5, length, 1.2, box=True)
