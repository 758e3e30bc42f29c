"""Paths along a road, and the camera's own drive."""

import numpy as np

from poodle_scenes.geometry import Trajectory
from poodle_scenes.town import Town

STEP = 0.1
"""Seconds between the knots of a trajectory."""


def along_road(
    town: Town, d: float, z: np.ndarray, times: np.ndarray, back: bool = False
) -> Trajectory:
    """Trajectory along the road.

    Args:
        town: the place.
        d: distance from the road's middle in metres, to the right.
        z: (K,) metres.
        times: (K,) seconds.
        back: whether the body faces the other way.
    """
    road = town.road
    positions = np.stack([d + road.centre(z), np.zeros_like(z), z], axis=1)
    return Trajectory(times, positions, road.heading(z) + (np.pi if back else 0.0))


def camera_drive(town: Town, rng: np.random.Generator, duration: float) -> Trajectory:
    """The camera's path at road level: along its lane, perhaps changing lane or turning."""
    times = np.arange(0, duration + 2 * STEP, STEP)
    lane = int(rng.integers(town.lanes_right))
    d = town.lane(lane) + rng.normal(0, 0.15)
    speed = town.speed * rng.uniform(0.8, 1.1)
    if town.turning:
        return _turn(town, rng, times, d, min(speed, rng.uniform(5, 7.5)))
    pull = rng.choice([0.0, rng.uniform(-2.0, 1.6)])  # m/s²
    if town.kind == 'downtown' and rng.random() < 0.1:
        speed, pull = rng.uniform(0, 1.5), rng.uniform(0, 1.5)
    velocity = np.clip(speed + pull * times, 0, None)
    z = np.concatenate([[0], np.cumsum(velocity[:-1] * STEP)])
    sway = 0.12 * np.sin(times * rng.uniform(0.5, 1.4) + rng.uniform(0, 6))
    if town.lanes_right > 1 and rng.random() < 0.3:
        target = town.lane(lane - 1 if lane else 1)
        start, span = rng.uniform(0, duration * 0.6), rng.uniform(2.2, 3.2)
        blend = np.clip((times - start) / span, 0, 1)
        sway = sway + (target - d) * blend * blend * (3 - 2 * blend)
    x = d + sway + town.road.centre(z)
    step = np.gradient(z)
    slip = np.where(step > 1e-3, np.gradient(d + sway) / np.maximum(step, 1e-3), 0)
    positions = np.stack([x, np.zeros_like(z), z], axis=1)
    return Trajectory(times, positions, town.road.heading(z) + np.arctan(slip))


def _turn(town: Town, rng, times: np.ndarray, d: float, speed: float) -> Trajectory:
    """Straight on, then a circular arc into the cross street."""
    side, road = town.turning, town.road
    lane = road.cross_z - 0.5 * road.cross_half * (1 if side > 0 else -1)
    radius = max(lane - (road.cross_z - road.cross_half - 3.0), 5.5) + (0 if side > 0 else 1.5)
    start = lane - radius
    # Begin so that the arc falls into the clip.
    first = start - rng.uniform(2, max(min(0.55 * speed * times[-1], start + 6), 3))
    way = first + speed * times - start
    angle = np.clip(way / radius, 0, np.pi / 2)
    beyond = np.clip(way - radius * np.pi / 2, 0, None)
    x = d + side * (radius * (1 - np.cos(angle)) + beyond)
    z = start + np.where(way < 0, way, radius * np.sin(angle))
    # The steering wheel takes a moment: smooth the heading over half a second.
    kernel = np.ones(5) / 5
    yaw = np.convolve(np.pad(side * angle, 2, mode='edge'), kernel, mode='valid')
    return Trajectory(times, np.stack([x, np.zeros_like(z), z], axis=1), yaw)
