"""Everything that moves or is parked: vehicles, riders and pedestrians."""

from dataclasses import dataclass

import numpy as np

from poodle_scenes import movers
from poodle_scenes.builder import Builder, Place
from poodle_scenes.drive import STEP, along_road
from poodle_scenes.geometry import Trajectory
from poodle_scenes.town import Town


@dataclass
class Traffic:
    """Places moving and parked vehicles and people.

    Attributes:
        town: the place.
        builder: receiver of surfaces and bodies.
        rng: random generator.
        drive: trajectory of the camera.
        duration: seconds.
        rare: names of the rare things that this scene shows.
    """

    town: Town
    builder: Builder
    rng: np.random.Generator
    drive: Trajectory
    duration: float
    rare: set[str]

    def __post_init__(self) -> None:
        self.road, self.times = self.town.road, self.drive.times
        self.end_z = float(self.drive.positions[:, 2].max())

    def populate(self) -> None:
        """Add everything that moves, and parked vehicles."""
        self.ahead()
        self.oncoming()
        self.crossing()
        self.tram()
        self.parked()
        self.people()

    def _vehicle(self, place: Place, kind: str) -> None:
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

    def _send(self, kind: str, d: float, z: np.ndarray, back: bool = False) -> None:
        """A vehicle along the road; z: its knots."""
        track = along_road(self.town, d, z, self.times, back)
        self._vehicle(self.builder.moving(track), kind)

    def _knots(self, z: float, speed: float) -> np.ndarray:
        way = np.cumsum(np.full(len(self.times) - 1, speed * STEP))
        return z + np.concatenate([[0], way])

    def ahead(self) -> None:
        """Vehicles in our direction: in front in our lane, and in the others."""
        rng, town = self.rng, self.town
        x0, _, z0 = self.drive.positions[0].tolist()
        own = x0 - self.road.centre(z0)
        speed = max((float(self.drive.positions[-1, 2]) - z0) / self.duration, 0.3)
        pending = [name for name in ('truck', 'bus') if name in self.rare]
        for lane in range(town.lanes_right):
            d = town.lane(lane)
            z = z0 + rng.uniform(8, 22)
            same = abs(d - own) < 1.6
            if not same:
                z = z0 + rng.uniform(-6, 16)
            elif town.turning:
                z += 14
            while z < z0 + 110:
                if rng.random() < 0.8:
                    kind = pending.pop() if pending else self._draw_kind()
                    z += 3.5 if kind in ('truck', 'bus') else 0
                    pace = speed * rng.uniform(*((0.94, 1.1) if same else (0.75, 1.3)))
                    if town.turning:
                        pace = town.speed * rng.uniform(0, 0.6)
                    self._send(kind, d + rng.normal(0, 0.12), self._knots(z, pace))
                z += rng.uniform(9, 34)
        for name in ('bicycle', 'motorcycle'):
            if name in self.rare:
                self._two_wheelers(name, z0, speed)

    def _two_wheelers(self, name: str, z0: float, speed: float) -> None:
        rng, town = self.rng, self.town
        for _ in range(int(rng.integers(1, 3))):
            if name == 'bicycle':
                d, pace = self.road.right - rng.uniform(0.5, 0.9), rng.uniform(3, 6)
                d -= 2.2 * town.parking[1]
                z = z0 + rng.uniform(7, 18) + max(speed - pace, 0) * rng.uniform(0, self.duration)
            else:
                lane = int(rng.integers(town.lanes_right))
                d, pace = town.lane(lane) + rng.choice([-1, 1]) * 1.0, speed * rng.uniform(0.9, 1.1)
                z = z0 + rng.uniform(6, 16)
            self._send(name, d, self._knots(z, pace))

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
                    self._send(kind, d, z - self._knots(0, pace), back=True)
                z += rng.uniform(12, 42)

    def crossing(self) -> None:
        """Vehicles on the cross street, some turning into ours."""
        rng, town, road = self.rng, self.town, self.road
        if road.cross_z is None:
            return
        for side in (-1, 1):
            for _ in range(int(rng.integers(0, 3))):
                waiting = rng.random() < 0.5 or (self.end_z > road.cross_z - 8)
                lane = road.cross_z + side * 0.5 * road.cross_half
                x = road.kerb(side) + side * rng.uniform(5, 22)
                done = self._knots(0, 0.0 if waiting else rng.uniform(2, 8))
                track = self._across(x - side * done, lane, side)
                if not waiting and rng.random() < 0.4:
                    # Turns away from us into our road: a quarter circle of 6 m.
                    r = 6.0
                    target = town.lane(0)
                    way = np.abs(x - target) - r
                    gone = np.clip((done - way) / r, 0, np.pi / 2)
                    rest = np.clip(done - way - r * np.pi / 2, 0, None)
                    track.positions[:, 0] = x - side * (np.minimum(done, way) + r * np.sin(gone))
                    track.positions[:, 2] = lane + r * (1 - np.cos(gone)) + rest
                    track.yaws[:] = -side * (np.pi / 2 - gone)
                self._vehicle(self.builder.moving(track), 'car')
        if 'train' in self.rare and not town.turning:
            self._train(max(road.cross_z + 26, self.end_z + 24))

    def _across(self, x: np.ndarray, z: float, side: int) -> Trajectory:
        """Across the road, coming from a side."""
        positions = np.stack([x, 0 * x, np.full_like(x, z)], axis=1)
        return Trajectory(self.times, positions, np.full(len(x), -side * np.pi / 2))

    def _train(self, z: float) -> None:
        side, pace = self.rng.choice([-1, 1]), self.rng.uniform(2, 11)
        starts = [side * (k * 18.6 - 26) for k in range(4)]
        done = side * self._knots(0, pace)
        self._cars([self._across(x - done, z, side) for x in starts], z, (2.9, 3.9))

    def _cars(self, tracks: list[Trajectory], z: float, size: tuple[float, float]) -> None:
        """The cars of a train or tram, one object; size: (width, height) in metres."""
        place = None
        for track in tracks:
            place = self.builder.moving(track, part_of=place)
            movers.long_vehicle(place, np.random.default_rng(int(z * 100)), 'train', 18, *size)

    def tram(self) -> None:
        """A tram in the oncoming lane, where no cross street carries the train."""
        crosses = self.road.cross_z is not None and not self.town.turning
        if 'train' not in self.rare or crosses:
            return
        d = self.road.edge(-1) - 2.4
        z, pace = self.rng.uniform(24, 40), self.rng.uniform(0, 7)
        knots = [z + 18.4 * k - self._knots(0, pace) for k in range(2)]
        tracks = [along_road(self.town, d, k, self.times, back=True) for k in knots]
        self._cars(tracks, z, (2.6, 3.6))

    def parked(self) -> None:
        """Parked vehicles along the kerbs."""
        rng, road = self.rng, self.road
        for side, has in zip((-1, 1), self.town.parking):
            d = road.kerb(side) - side * 1.25
            z = rng.uniform(0, 8)
            fill = rng.uniform(0.45, 0.95)
            while has and z < 110:
                if rng.random() < fill and not road.blocked(z, 6):
                    turn = np.pi if (side < 0) == (rng.random() < 0.9) else 0.0
                    at = road.place(d + rng.normal(0, 0.08), z)
                    place = self.builder.still(at, float(road.heading(z) + turn))
                    self._vehicle(place, 'truck' if rng.random() < 0.05 else 'car')
                z += rng.uniform(5.8, 7.5)

    def people(self) -> None:
        """Pedestrians on the pavements and crossing; bicycles left at the kerb."""
        rng, kind, road = self.rng, self.town.kind, self.road
        mean = {'downtown': 9, 'residential': 3.5, 'suburb': 2}.get(kind, 0.15)
        z0 = float(self.drive.positions[:, 2].mean())
        for _ in range(rng.poisson(mean)):
            side = int(rng.choice([-1, 1]))
            walk = road.pavement(side)
            if not walk:
                continue
            d = road.kerb(side) + side * rng.uniform(0.3, walk - 0.2)
            z = z0 + rng.uniform(-4, 38)
            company = 2 if rng.random() < 0.25 else 1
            pace = rng.choice([0.0, 1.0, -1.0], p=[0.2, 0.4, 0.4]) * rng.uniform(0.8, 1.7)
            for k in range(company):
                self._walker(d + 0.55 * k * side, z, 0.0, pace)
        if road.cross_z is not None and rng.random() < (0.6 if kind == 'downtown' else 0.25):
            z = road.cross_z - road.cross_half - 2.6
            if self.end_z < z - 5:
                for _ in range(int(rng.integers(1, 4))):
                    way = rng.choice([-1, 1])
                    at = (rng.uniform(road.left, road.right), z + rng.uniform(-0.9, 0.9))
                    self._walker(*at, way * rng.uniform(0.9, 1.7), 0.0)
        if 'parked bicycle' in self.rare:
            for _ in range(int(rng.integers(1, 4))):
                side = int(rng.choice([-1, 1]))
                at = road.place(road.kerb(side) + side * 0.7, z0 + rng.uniform(2, 24))
                place = self.builder.still(at, rng.uniform(-1.2, 1.2))
                movers.two_wheeler(place, rng, bool(rng.random() < 0.25), False)

    def _walker(self, d: float, z: float, across: float, along: float) -> None:
        """Somebody at (d, z) who walks across and along the road (m/s), facing the camera."""
        rng, road = self.rng, self.road
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
