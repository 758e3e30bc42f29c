"""Places: the kind of road that runs there, and the look of its ground."""

from dataclasses import dataclass

import numpy as np

from poodle_scenes.ground import GroundMap, Road, paint_ground
from poodle_scenes.look import Look
from poodle_scenes.texture import colour, draw

KINDS = {'downtown': 0.3, 'residential': 0.26, 'suburb': 0.22, 'highway': 0.13, 'rural': 0.09}


@dataclass(frozen=True)
class Town:
    """Place of a scene.

    Attributes:
        kind: key of KINDS.
        road: geometry.
        lane_width: metres.
        lanes_left, lanes_right: number of lanes.
        speed: usual speed of traffic in m/s.
        parking: (left, right) whether a parking lane lies along the kerb.
        turning: turn of the camera at the cross street: -1 left, 1 right, 0 none.
    """

    kind: str
    road: Road
    lane_width: float
    lanes_left: int
    lanes_right: int
    speed: float
    parking: tuple[bool, bool]
    turning: int

    def lane(self, index: int) -> float:
        """d of the middle of a lane; 0, 1, … to the right, -1, -2, … oncoming."""
        return (index + 0.5) * self.lane_width


def draw_town(rng: np.random.Generator) -> Town:
    """Draw the road of a scene."""
    kind = draw(rng, KINDS)
    width = rng.uniform(3.1, 3.6)
    lanes = {'downtown': (1, 3), 'residential': (1, 1), 'suburb': (1, 2), 'highway': (2, 3)}
    low, high = lanes.get(kind, (1, 1))
    right = int(rng.integers(low, high + 1))
    left = right if rng.random() < 0.8 else int(rng.integers(low, high + 1))
    chance = {'downtown': 0.5, 'residential': 0.7, 'suburb': 0.3}.get(kind, 0.0)
    parking = tuple(bool(q) for q in rng.random(2) < chance)
    has_cross = rng.random() < {'downtown': 0.75, 'residential': 0.5, 'suburb': 0.5}.get(kind, 0)
    turning = int(rng.choice([-1, 1])) if has_cross and rng.random() < 0.3 else 0
    walk = {'downtown': (2.5, 4.5), 'residential': (1.3, 2.4), 'suburb': (1.4, 2.6)}.get(kind)
    walks = [rng.uniform(*walk) if walk and rng.random() < 0.92 else 0.0 for _ in range(2)]
    straight = has_cross or rng.random() < 0.3
    bend = 0.0 if straight else float(rng.uniform(-1, 1) / 450)
    twist = 0.0 if straight else float(-bend * rng.uniform(0, 1) / 180)
    cross_z = float(rng.uniform(*((17, 26) if turning else (18, 60)))) if has_cross else None
    shoulder = 2.6 if kind == 'highway' else 0.3
    road = Road(
        bend=bend,
        twist=twist,
        left=-(left * width + 2.3 * parking[0] + shoulder),
        right=right * width + 2.3 * parking[1] + shoulder,
        lanes=tuple(width * k for k in (0, *range(1, right), *(-k for k in range(1, left)))),
        pavement_left=walks[0],
        pavement_right=walks[1],
        cross_z=cross_z,
        cross_half=float(rng.uniform(4, 7)),
    )
    speeds = {'highway': (19, 27), 'rural': (13, 19), 'suburb': (8, 14)}
    speed = float(rng.uniform(*speeds.get(kind, (5, 11))))
    return Town(kind, road, width, left, right, speed, parking, turning)


def town_ground(town: Town, rng: np.random.Generator, look: Look) -> GroundMap:
    """Paint the ground of a town."""
    grey = rng.uniform(84, 150) * (0.72 if look.weather == 'rain' else 1.0)
    asphalt = np.clip(grey + rng.normal(0, 5, 3), 30, 200)
    paving = colour(rng, [(160, 156, 150), (136, 134, 132), (170, 146, 124), (190, 186, 178)])
    greens = [(92, 112, 56), (116, 122, 70), (76, 100, 50)]
    earth = [(132, 108, 78), (150, 134, 96), (120, 112, 92)]
    verges = {'winter': [*earth, (208, 212, 216)], 'autumn': earth + greens}
    verge = colour(rng, verges.get(look.season, greens * 2 + earth), 12)
    crossings = (rng.uniform(14, 50),) if town.kind == 'downtown' and rng.random() < 0.3 else ()
    wear = float(rng.uniform(0, 1))
    light = look.light(np.array([0.0, -1.0, 0.0]))
    return paint_ground(town.road, rng, (asphalt, paving, verge), wear, light, crossings)
