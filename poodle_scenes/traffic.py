"""Everything that moves or is parked: vehicles, riders and pedestrians."""

import numpy as np

from poodle_scenes import movers
from poodle_scenes.builder import Builder
from poodle_scenes.drive import STEP, along_road
from poodle_scenes.geometry import Trajectory
from poodle_scenes.town import Town


class Traffic:
    """Places moving and parked vehicles and people.

    Args:
        town: the place.
        builder: receives surfaces and bodies.
        rng: random generator.
        drive: the camera's trajectory.
        duration: seconds.
        rare: names of the rare things that this scene shows.
    """

    def __init__(
        self,
        town: Town,
        builder: Builder,
        rng: np.random.Generator,
        drive: Trajectory,
        duration: float,
        rare: set[str],
    ) -> None:
        self.town, self.builder, self.rng, self.drive = town, builder, rng, drive
        self.duration, self.rare = duration, rare
        self.times = np.arange(0, duration + 2 * STEP, STEP)
        self.end_z = float(drive.positions[:, 2].max())

    def _vehicle(self, place, kind: str) -> None:
        rng = self.rng
        if kind == 'truck':
            size = (rng.uniform(6, 11), rng.uniform(2.2, 2.5), rng.uniform(2.8, 3.8))
            movers.long_vehicle(place, rng, 'truck', *size)
        elif kind == 'bus':
            movers.long_vehicle(place, rng, 'bus', rng.uniform(9, 12), 2.5, rng.uniform(2.9, 3.3))
        elif kind in ('motorcycle', 'bicycle'):
            movers.two_wheeler(place, rng, kind == 'motorcycle', True)
        else:
            movers.car(place, rng, str(rng.choice(list(movers.CARS))))

    def _draw_kind(self) -> str:
        heavy = 0.1 if self.town.kind == 'highway' else 0.03
        return str(self.rng.choice(['car', 'truck'], p=[1 - heavy, heavy]))

    def _knots(self, z: float, speed: float, pull: float = 0.0) -> np.ndarray:
        velocity = np.maximum(speed + pull * self.times, 0)
        return z + np.concatenate([[0], np.cumsum(velocity[:-1] * STEP)])

    def ahead(self) -> None:
        """Vehicles in our direction: in front in our lane, and in the others."""
        rng, town = self.rng, self.town
        own = self.drive.positions[0, 0] - town.road.centre(self.drive.positions[0, 2])
        z0 = float(self.drive.positions[0, 2])
        travelled = float(self.drive.positions[-1, 2]) - z0
        speed = max(travelled / self.duration, 0.3)
        pending = [name for name in ('truck', 'bus') if name in self.rare]
        for lane in range(town.lanes_right):
            d = town.lane(lane)
            z = z0 + rng.uniform(8, 22)
            same = abs(d - own) < 1.6
            if town.turning and same:
                z += 14
            if not same:
                z = z0 + rng.uniform(-6, 16)
            while z < z0 + 110:
                if rng.random() < 0.8:
                    kind = pending.pop() if pending else self._draw_kind()
                    z += 3.5 if kind in ('truck', 'bus') else 0
                    pace = (
                        speed * rng.uniform(0.94, 1.1) if same else speed * rng.uniform(0.75, 1.3)
                    )
                    if town.turning:
                        pace = town.speed * rng.uniform(0, 0.6)
                    track = along_road(
                        town, d + rng.normal(0, 0.12), self._knots(z, pace), self.times
                    )
                    self._vehicle(self.builder.moving(track), kind)
                z += rng.uniform(9, 34)
        for name in ('bicycle', 'motorcycle'):
            if name in self.rare:
                self._two_wheelers(name, z0, speed)

    def _two_wheelers(self, name: str, z0: float, speed: float) -> None:
        rng, town = self.rng, self.town
        for _ in range(int(rng.integers(1, 3))):
            if name == 'bicycle':
                d, pace = town.road.right - rng.uniform(0.5, 0.9), rng.uniform(3, 6)
                d -= 2.2 * town.parking[1]
                z = z0 + rng.uniform(7, 18) + max(speed - pace, 0) * rng.uniform(0, self.duration)
            else:
                lane = int(rng.integers(town.lanes_right))
                d, pace = town.lane(lane) + rng.choice([-1, 1]) * 1.0, speed * rng.uniform(0.9, 1.1)
                z = z0 + rng.uniform(6, 16)
            track = along_road(town, d, self._knots(z, pace), self.times)
            self._vehicle(self.builder.moving(track), name)

    def oncoming(self) -> None:
        """Vehicles coming towards us."""
        rng, town = self.rng, self.town
        for lane in range(-town.lanes_left, 0):
            z = rng.uniform(6, 30)
            pace = town.speed * rng.uniform(0.6, 1.1) * (rng.random() > 0.12)
            while z < 100 + pace * self.duration:
                if rng.random() < 0.7:
                    kind = self._draw_kind()
                    d = town.lane(lane) + rng.normal(0, 0.12)
                    knots = self._knots(0, pace)
                    track = along_road(town, d, z - knots, self.times, back=True)
                    self._vehicle(self.builder.moving(track), kind)
                z += rng.uniform(12, 42)

    def crossing(self) -> None:
        """Vehicles on the cross street, some turning into ours."""
        rng, town = self.rng, self.town
        road = town.road
        if road.cross_z is None:
            return
        for side in (-1, 1):
            for _ in range(int(rng.integers(0, 3))):
                waiting = rng.random() < 0.5 or (self.end_z > road.cross_z - 8)
                edge = road.left if side < 0 else road.right
                lane = road.cross_z + side * 0.5 * road.cross_half
                x = edge + side * rng.uniform(5, 22)
                pace = 0.0 if waiting else rng.uniform(2, 8)
                xs = x - side * self._knots(0, pace)
                positions = np.stack([xs, 0 * xs, np.full_like(xs, lane)], axis=1)
                yaw = np.full(len(xs), -side * np.pi / 2)
                if not waiting and rng.random() < 0.4:
                    # Turns away from us into our road: a quarter circle of 6 m.
                    r = 6.0
                    target = town.lane(0)
                    way = np.abs(x - target) - r
                    gone = np.clip((self._knots(0, pace) - way) / r, 0, np.pi / 2)
                    rest = np.clip(self._knots(0, pace) - way - r * np.pi / 2, 0, None)
                    moved = np.minimum(self._knots(0, pace), way)
                    positions[:, 0] = x - side * (moved + r * np.sin(gone))
                    positions[:, 2] = lane + r * (1 - np.cos(gone)) + rest
                    yaw = -side * (np.pi / 2 - gone)
                self._vehicle(self.builder.moving(Trajectory(self.times, positions, yaw)), 'car')
        if 'train' in self.rare and not town.turning:
            self._train(max(road.cross_z + 26, self.end_z + 24))

    def _train(self, z: float) -> None:
        rng = self.rng
        side = rng.choice([-1, 1])
        pace = rng.uniform(2, 11)
        place = None
        for k in range(4):
            x = side * (k * 18.6 - 26) - side * self._knots(0, pace)
            positions = np.stack([x, 0 * x, np.full_like(x, z)], axis=1)
            yaw = np.full(len(x), -side * np.pi / 2)
            place = self.builder.moving(Trajectory(self.times, positions, yaw), part_of=place)
            movers.long_vehicle(place, np.random.default_rng(int(z * 100)), 'train', 18, 2.9, 3.9)

    def tram(self) -> None:
        """A tram in the oncoming lane, where no cross street carries the train."""
        if 'train' not in self.rare or (
            self.town.road.cross_z is not None and not self.town.turning
        ):
            return
        rng, town = self.rng, self.town
        d = town.road.left - town.road.pavement_left - 2.4
        z, pace = rng.uniform(24, 40), rng.uniform(0, 7)
        place = None
        for k in range(2):
            track = along_road(town, d, z + 18.4 * k - self._knots(0, pace), self.times, back=True)
            place = self.builder.moving(track, part_of=place)
            movers.long_vehicle(place, np.random.default_rng(int(z * 100)), 'train', 18, 2.6, 3.6)

    def parked(self) -> None:
        """Parked vehicles along the kerbs."""
        rng, town = self.rng, self.town
        for side, has in zip((-1, 1), town.parking):
            d = (town.road.left if side < 0 else town.road.right) - side * 1.25
            z = rng.uniform(0, 8)
            fill = rng.uniform(0.45, 0.95)
            while has and z < 110:
                if rng.random() < fill and not self._at_cross(z, 6):
                    turn = np.pi if (side < 0) == (rng.random() < 0.9) else 0.0
                    place = self.builder.still(
                        town.road.place(d + rng.normal(0, 0.08), z),
                        float(town.road.heading(z) + turn),
                    )
                    self._vehicle(place, 'truck' if rng.random() < 0.05 else 'car')
                z += rng.uniform(5.8, 7.5)

    def _at_cross(self, z: float, margin: float) -> bool:
        road = self.town.road
        return road.cross_z is not None and abs(z - road.cross_z) < road.cross_half + margin

    def people(self) -> None:
        """Pedestrians on the pavements and crossing; bicycles left at the kerb."""
        rng, town = self.rng, self.town
        road = town.road
        mean = {'downtown': 9, 'residential': 3.5, 'suburb': 2}.get(town.kind, 0.15)
        z0 = float(self.drive.positions[:, 2].mean())
        for _ in range(rng.poisson(mean)):
            side = int(rng.choice([-1, 1]))
            walk = road.pavement_left if side < 0 else road.pavement_right
            if not walk:
                continue
            kerb = road.left if side < 0 else road.right
            d = kerb + side * rng.uniform(0.3, walk - 0.2)
            z = z0 + rng.uniform(-4, 38)
            company = 2 if rng.random() < 0.25 else 1
            pace = rng.choice([0.0, 1.0, -1.0], p=[0.2, 0.4, 0.4]) * rng.uniform(0.8, 1.7)
            for k in range(company):
                self._walker(d + 0.55 * k * side, z, 0.0, pace)
        chance = 0.6 if town.kind == 'downtown' else 0.25
        if road.cross_z is not None and rng.random() < chance:
            z = road.cross_z - road.cross_half - 2.6
            if self.end_z < z - 5:
                for _ in range(int(rng.integers(1, 4))):
                    way = rng.choice([-1, 1])
                    self._walker(
                        rng.uniform(road.left, road.right), z + rng.uniform(-0.9, 0.9),
                        way * rng.uniform(0.9, 1.7), 0.0,
                    )  # fmt: skip
        if 'parked bicycle' in self.rare:
            for _ in range(int(rng.integers(1, 4))):
                side = int(rng.choice([-1, 1]))
                kerb = road.left if side < 0 else road.right
                place = self.builder.still(
                    road.place(kerb + side * 0.7, z0 + rng.uniform(2, 24)), rng.uniform(-1.2, 1.2)
                )
                movers.two_wheeler(place, rng, bool(rng.random() < 0.25), False)

    def _walker(self, d: float, z: float, across: float, along: float) -> None:
        """Somebody at (d, z) who walks across and along the road (m/s), facing the camera."""
        rng, road = self.rng, self.town.road
        start = road.place(d, z)
        eye = self.drive.positions[len(self.drive.times) // 2]
        yaw = np.arctan2(start[0] - eye[0], max(start[2] - eye[2], 5.0))
        turn = float(road.heading(z))
        velocity = np.array([across * np.cos(turn) + along * np.sin(turn), 0, along * np.cos(turn)])
        times = self.times[[0, -1]]
        positions = start + times[:, None] * velocity
        place = self.builder.moving(Trajectory(times, positions, np.full(2, yaw)))
        tall = rng.uniform(1.55, 1.9) if rng.random() < 0.88 else rng.uniform(1.0, 1.4)
        movers.person(place, rng, tall)


def populate(traffic: Traffic) -> None:
    """Add everything that moves, and parked vehicles."""
    traffic.ahead()
    traffic.oncoming()
    traffic.crossing()
    traffic.tram()
    traffic.parked()
    traffic.people()
