"""The sides of a road: buildings, barriers, trees, poles, signs and signals."""

from itertools import product

import numpy as np

from poodle_scenes import models
from poodle_scenes.builder import Builder, Place
from poodle_scenes.paint_nature import tree_line
from poodle_scenes.town import Town

FAR = 150.0
"""Things along the road are placed up to here, metres."""


class Roadside:
    """Places things along a town's road.

    Args:
        town: the place.
        builder: receiver of the surfaces.
        rng: random generator.
        eye: (x, z) towards which flat things are turned.
    """

    def __init__(
        self, town: Town, builder: Builder, rng: np.random.Generator, eye: tuple[float, float]
    ) -> None:
        self.town, self.builder, self.rng, self.eye = town, builder, rng, eye
        self.road = town.road

    def furnish(self) -> None:
        """Add everything that does not move."""
        for side in (-1, 1):
            self.row_of_buildings(side)
            self.barriers(side)
            self.greenery(side)
            self.furniture(side)
        self.signals()
        self.cross_street()
        self.median()
        self.horizon()

    def facing(self, d: float, z: float) -> Place:
        """A place at (d, z) whose flat things face the camera."""
        point = self.road.place(d, z)
        ahead = max(point[2] - self.eye[1], 6.0)
        yaw = np.arctan2(point[0] - self.eye[0], ahead)
        return self.builder.still(point, float(np.clip(yaw, -1.1, 1.1)))

    def along(self, d: float, z: float, turn: float = 0.0) -> Place:
        """A place at (d, z) aligned with the road."""
        return self.builder.still(self.road.place(d, z), float(self.road.heading(z) + turn))

    def tree_kinds(self) -> list[str]:
        """Kinds of trees that grow here."""
        rng = self.rng
        kinds = list(rng.choice(['round', 'tall', 'conifer', 'round', 'palm'], 2))
        if self.builder.look.season == 'winter' or rng.random() < 0.12:
            kinds.append('bare')
        return kinds

    def row_of_buildings(self, side: int) -> None:
        """Blocks and houses along one side, with gaps for barriers and trees."""
        rng, kind, road = self.rng, self.town.kind, self.road
        z = -8.0
        tall = kind == 'downtown'
        heights = (8, 34) if tall else (4, 11)
        setback = rng.uniform(0, 2) if tall else rng.uniform(4, 11)
        chance = {'downtown': 0.92, 'residential': 0.86, 'suburb': 0.62}.get(kind, 0)
        while z < FAR:
            length = rng.uniform(10, 26) if tall else rng.uniform(8, 16)
            middle = z + length / 2
            if self.road.blocked(middle, length / 2 + 3):
                z = road.cross_z + road.cross_half + 3.5
                continue
            width = rng.uniform(9, 18)
            d = road.edge(side) + side * (setback + rng.uniform(0, 1.5) + width / 2)
            if rng.random() < chance:
                if not tall and rng.random() < 0.65:
                    turned = rng.random() < 0.5
                    place = self.along(d, middle, np.pi / 2 if turned else 0.0)
                    size = (length, width) if turned else (width, length)
                    models.house(place, rng, *size, rng.uniform(3, 6.5))
                else:
                    place, height = self.along(d, middle), rng.uniform(*heights)
                    shops = bool(tall or rng.random() < 0.3)
                    models.building(place, rng, width, length, height, shops)
            z += length + (0.0 if tall and rng.random() < 0.75 else rng.uniform(2, 9))

    def barriers(self, side: int) -> None:
        """Garden walls, fences, hedges or a guard rail along one side."""
        rng, kind = self.rng, self.town.kind
        chance = {'downtown': 0.15, 'residential': 0.6, 'suburb': 0.45, 'highway': 0.85}
        if rng.random() > chance.get(kind, 0.3):
            return
        d = self.road.edge(side) + side * rng.uniform(0.3, 1.2)
        what = str(rng.choice(['wall', 'fence', 'hedge'], p=[0.28, 0.5, 0.22]))
        height = {'wall': rng.uniform(0.7, 2.4), 'fence': rng.uniform(0.8, 1.8), 'hedge': 1.2}[what]
        z = rng.uniform(-8, 10)
        while z < FAR:
            length = rng.uniform(6, 12)
            if not self.road.blocked(z + length / 2, length / 2 + 2) and rng.random() < 0.85:
                place = self.along(d, z + length / 2)
                models.barrier(place, rng, length * 1.01, height, what)
            else:
                what = str(rng.choice(['wall', 'fence', 'hedge', what]))
            z += length

    def greenery(self, side: int) -> None:
        """Street trees, garden trees and bushes on one side."""
        rng, kind = self.rng, self.town.kind
        kinds = self.tree_kinds()
        density = {'downtown': 0.55, 'residential': 1.0, 'suburb': 1.0, 'highway': 0.9}
        amount = density.get(kind, 1.3) * rng.uniform(0.4, 1.3)
        for z in np.arange(rng.uniform(-4, 6), FAR, rng.uniform(7, 13)):
            if self.road.blocked(z, 3) or rng.random() > amount:
                continue
            street = self.road.pavement(side) > 1.8 and rng.random() < 0.6
            if street:
                d, height = self.road.kerb(side) + side * 0.8, rng.uniform(4, 7.5)
            else:
                d, height = self.road.edge(side) + side * rng.uniform(1, 5), rng.uniform(4.5, 12)
            place = self.facing(d, z + rng.uniform(-2, 2))
            models.tree(place, rng, height, str(rng.choice(kinds)))
            if rng.random() < 0.35 and not street:
                place = self.facing(d + side * rng.uniform(-1, 2), z + rng.uniform(1, 5))
                models.bush(place, rng, rng.uniform(1.2, 3), rng.uniform(0.7, 1.7))
        if kind in ('highway', 'rural', 'suburb'):
            for z in np.arange(0, FAR, rng.uniform(5, 9)):
                if self.road.blocked(z, 4):
                    continue
                d = self.road.edge(side) + side * rng.uniform(8, 28)
                models.tree(self.facing(d, z), rng, rng.uniform(5, 14), str(rng.choice(kinds)))

    def furniture(self, side: int) -> None:
        """Lamps, poles and signs on one side."""
        rng, kind = self.rng, self.town.kind
        d = self.road.kerb(side) + side * rng.uniform(0.45, 0.9)
        utility = kind != 'downtown' and rng.random() < 0.5
        pitch = rng.uniform(16, 32)
        height = rng.uniform(5.5, 8.5)
        for z in np.arange(rng.uniform(2, pitch), FAR, pitch):
            if self.road.blocked(z, 1):
                continue
            place = self.facing(d, z)
            if utility:
                models.utility_pole(place, rng, height + 1)
            else:
                models.lamp_post(place, rng, height, -side * rng.uniform(0.8, 2.2))
        shapes = ['circle', 'triangle', 'square', 'diamond', 'octagon', 'board']
        pitch = rng.uniform(11, 26) * (1.0 if side > 0 else 2.0)
        for z in np.arange(rng.uniform(4, pitch), 90, pitch):
            z += rng.uniform(-4, 4)
            if self.road.blocked(z, 0.5):
                continue
            d = self.road.kerb(side) + side * rng.uniform(0.5, 1.2)
            turn = 0.0 if side > 0 or rng.random() < 0.4 else np.pi
            place = self.along(d, z, turn + rng.normal(0, 0.06))
            size = rng.uniform(0.6, 0.95) * (1.5 if kind == 'highway' else 1.0)
            models.sign(place, rng, str(rng.choice(shapes)), size, rng.uniform(1.7, 2.6))
        if kind == 'highway' and side > 0:
            span = self.town.lane_width * self.town.lanes_right + 4
            models.gantry(self.along(self.road.kerb(1) + 1, rng.uniform(35, 80)), rng, span)

    def signals(self) -> None:
        """Traffic lights at the cross street."""
        rng, road = self.rng, self.road
        if road.cross_z is None or rng.random() > (0.95 if self.town.kind == 'downtown' else 0.75):
            return
        state = int(rng.choice([0, 1, 2], p=[0.4, 0.1, 0.5]))
        near, far = road.cross_z - road.cross_half - 1.4, road.cross_z + road.cross_half + 1.4
        arm = rng.random() < 0.6
        reach = -rng.uniform(3, 5) if arm else 0.0
        models.traffic_light(self.along(road.right + 0.7, far), rng, reach, state)
        models.traffic_light(self.along(road.right + 0.6, near), rng, 0.0, state)
        models.traffic_light(self.along(road.left - 0.7, far), rng, 0.0, state)
        models.traffic_light(self.along(road.left - 0.7, near, np.pi), rng, 0.0, state)

    def cross_street(self) -> None:
        """Buildings and trees along the cross street, beyond the first row."""
        rng, road = self.rng, self.road
        if road.cross_z is None:
            return
        kinds = self.tree_kinds()
        heights = (5, 22) if self.town.kind == 'downtown' else (4, 8)
        for side, way in product((-1, 1), (-1, 1)):
            d = abs(self.road.edge(side)) + rng.uniform(16, 24)
            while d < 75:
                length, depth = rng.uniform(8, 18), rng.uniform(9, 14)
                z = road.cross_z + way * (road.cross_half + rng.uniform(4, 8) + depth / 2)
                place = self.builder.still(road.place(side * (d + length / 2), z))
                height = rng.uniform(*heights)
                models.building(place, rng, length, depth, height, bool(rng.random() < 0.4))
                if rng.random() < 0.7:
                    at = road.cross_z + way * (road.cross_half + 2.2)
                    tree = self.facing(side * (d - 1), at)
                    models.tree(tree, rng, rng.uniform(4, 8), str(rng.choice(kinds)))
                d += length + rng.uniform(0, 5)

    def horizon(self) -> None:
        """Woods, hills or a skyline that close the view."""
        rng, look = self.rng, self.builder.look
        base = self.road.centre(FAR)
        for x in np.arange(-260, 261, 65):
            z = 205 - abs(x) * 0.45 + rng.uniform(-8, 8)
            place = self.builder.still((base + x, 0, z), float(np.arctan2(x, z)))
            params = dict(season=look.season, hills=bool(rng.random() < 0.4))
            place.billboard(76, rng.uniform(7, 17), 0, 'vegetation', tree_line, params)
            if self.town.kind in ('downtown', 'suburb') and rng.random() < 0.8:
                tower = self.builder.still((base + x + rng.uniform(-25, 25), 0, z - 14))
                high = rng.uniform(12, 46) if self.town.kind == 'downtown' else rng.uniform(7, 16)
                models.building(tower, rng, rng.uniform(14, 30), 12, high, False)

    def median(self) -> None:
        """A wall or fence between the carriageways of a highway."""
        rng = self.rng
        if self.town.kind != 'highway' or rng.random() < 0.25:
            return
        what = 'wall' if rng.random() < 0.5 else 'fence'
        for z in np.arange(-6, FAR, 10.0):
            models.barrier(self.along(0.0, z + 5), rng, 10.1, 0.9, what)
