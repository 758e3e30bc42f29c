"""Exact flow against values worked by hand and against a slow ray tracer."""

from dataclasses import replace

import cv2
import numpy as np
import pytest

from poodle_scenes import build_scene, exact_flow, render_colour, render_labels
from tests.test_scenes.conftest import FOCAL, HEIGHT, SIZE, path

H, W = SIZE
CX, CY = (W - 1) / 2, (H - 1) / 2
F = FOCAL * W
U, V = np.meshgrid(np.arange(W), np.arange(H))


def test_driving_towards_a_panel(hand_made):
    """Forwards by 2 m: the panel grows about the image's centre, the ground streams by."""
    scene = hand_made([(-3, 3, 20, 0, 5, -1)], drive=path((0, 0, 0), (0, 0, 2)))
    flow, back, visible, _ = exact_flow(scene, 0, 1)
    panel = (np.abs((U - CX) * 20 / F) < 3) & (V < CY + HEIGHT * F / 20) & (V > CY - 3.5 * F / 20)
    assert panel.sum() > 400
    np.testing.assert_allclose(flow[0][panel], ((U - CX) * 2 / 18)[panel], atol=1e-4)
    np.testing.assert_allclose(flow[1][panel], ((V - CY) * 2 / 18)[panel], atol=1e-4)
    ground = (V > CY + 1) & ~panel & (F * HEIGHT / np.maximum(V - CY, 1e-9) < 20)
    depth = F * HEIGHT / np.where(ground, V - CY, 1)
    np.testing.assert_allclose(flow[0][ground], ((U - CX) * 2 / (depth - 2))[ground], rtol=1e-4)
    inside = np.abs(V + flow[1] - CY) <= CY
    inside &= np.abs(U + flow[0] - CX) <= CX
    np.testing.assert_array_equal(visible[ground], inside[ground])
    # And backwards: the panel shrinks.
    assert back[0, int(CY), 60] == pytest.approx(-(60 - CX) * 2 / 20, abs=1e-4)


def test_turning_only(hand_made):
    """A pure rotation moves every pixel alike, whatever its depth: K R⊤ K⁻¹."""
    yaw = 0.1
    drive = path((0, 0, 0), (0, 0, 0), yaws=(0.0, yaw))
    flow, *_ = exact_flow(hand_made([(-3, 3, 9, 0, 2, -1)], drive=drive), 0, 1)
    x, y = (U - CX) / F, (V - CY) / F
    angle = np.arctan(x) - yaw
    expected_u = CX + F * np.tan(angle) - U
    expected_v = CY + F * y * np.cos(np.arctan(x)) / np.cos(angle) - V
    np.testing.assert_allclose(flow[0], expected_u, atol=1e-3)
    np.testing.assert_allclose(flow[1], expected_v, atol=1e-3)


def test_nearer_panel_hides_the_farther_one(hand_made):
    """A panel at 10 m moves 2 m to the right before one at 20 m; which pixels vanish, by hand."""
    body = path((0, 0, 0), (2, 0, 0))
    panels = [(-2, 0, 10, 0.5, 3, 0), (-6, 6, 20, 0, 6, -1)]
    flow, _, visible, _ = exact_flow(hand_made(panels, [body]), 0, 1)

    def covered(x0, x1, z, bottom, top):
        x, y = (U - CX) * z / F, HEIGHT - (V - CY) * z / F
        return (x > x0) & (x < x1) & (y > bottom) & (y < top)

    before, after = covered(-2, 0, 10, 0.5, 3), covered(0, 2, 10, 0.5, 3)
    far = covered(-6, 6, 20, 0, 6) & ~before
    np.testing.assert_allclose(flow[0][before], 2 * F / 10, atol=1e-4)
    np.testing.assert_allclose(flow[0][far], 0, atol=1e-6)
    np.testing.assert_array_equal(visible[far], ~after[far])
    assert (far & after).sum() > 200
    assert visible[before].all()


def test_cut_out_is_seen_through(hand_made):
    """Only the opaque half of the near panel's texture hides what is behind."""
    alpha = np.zeros((8, 8), bool)
    alpha[:, :4] = True
    panels = [(-2, 2, 10, 0, 3, 0), (-9, 9, 20, 0, 9, -1)]
    body = path((-20, 0, 0), (0, 0, 0))  # outside the picture at first
    _, _, visible, _ = exact_flow(hand_made(panels, [body], alphas=[alpha, None]), 0, 1)
    row = int(CY)
    assert not visible[row, int(CX - 18) : int(CX - 1)].any()
    assert visible[row, int(CX + 2) : int(CX + 18)].all()


def test_body_that_turns(hand_made):
    """A panel on a body that turns by 180° about its middle: its left edge becomes its right."""
    body = path((0, 0, 15), (0, 0, 15), yaws=(0.0, np.pi))
    scene = hand_made([(-2, 2, 0, 0, 3, 0)], [body])
    flow, *_ = exact_flow(scene, 0, 1)
    np.testing.assert_allclose(flow[0, int(CY), 40:56], 2 * (CX - U[0, 40:56]), atol=1e-4)


def test_crop_is_evaluated_at_its_own_pixels(hand_made):
    """A crop at twice the resolution: flow twice as long, at pixel (u + ½) / 2 + x0 - ½."""
    scene = hand_made([(-3, 3, 20, 0, 5, -1)], drive=path((0, 0, 0), (0.5, 0, 0)))
    flow, _, visible, _ = exact_flow(scene, 0, 1, crop_box=(40, 20, 56, 30), size=(20, 32))
    assert flow.shape == (2, 20, 32) and visible.shape == (20, 32)
    np.testing.assert_allclose(flow[0], -0.5 * F / 20 * 2, atol=1e-4)
    # The flow leads 4.8 pixels to the left, so the crop's first columns leave it.
    np.testing.assert_array_equal(visible, np.broadcast_to(np.arange(32) >= 4.8, (20, 32)))


def trace(scene, frame, origin, direction, limit=np.inf):
    """Nearest hit (surface, s, t, distance) of a ray, surface by surface."""
    columns = scene.surfaces.frames_at(scene.bodies, frame / scene.spec.fps)
    best = (None, 0.0, 0.0, limit)
    if direction[1] > 1e-9 and -origin[1] / direction[1] < limit:
        best = ('ground', 0.0, 0.0, -origin[1] / direction[1])
    for index, (edge_s, edge_t, corner) in enumerate(columns.transpose(0, 2, 1)):
        normal = np.cross(edge_s, edge_t)
        along = normal @ direction
        # One-sided surfaces are seen from outside only: against their inward normal.
        if abs(along) < 1e-12 or not (scene.surfaces.two_sided[index] or along > 0):
            continue
        distance = normal @ (corner - origin) / along
        if not 1e-6 < distance < best[3]:
            continue
        hit = origin + distance * direction - corner
        s, t = np.linalg.lstsq(np.stack([edge_s, edge_t], axis=1), hit, rcond=None)[0]
        alpha = scene.textures[index].alpha
        if not (0 <= s <= 1 and 0 <= t <= 1):
            continue
        if (
            alpha is None
            or alpha[int(t * 0.999999 * len(alpha)), int(s * 0.999999 * alpha.shape[1])]
        ):
            best = (index, s, t, distance)
    return best


@pytest.mark.parametrize('seed', [1, 6, 11])
def test_against_a_slow_ray_tracer(seed):
    """Random pixels of real scenes: intersect, carry the point along, project, look back."""
    scene = build_scene(seed, (72, 128), 12)
    a, b = 3, 8
    flow, _, visible, _ = exact_flow(scene, a, b)
    cameras = [scene.camera(frame / scene.spec.fps) for frame in (a, b)]
    moved = scene.surfaces.frames_at(scene.bodies, b / scene.spec.fps)
    rng = np.random.default_rng(seed)
    wrong = 0
    for v, u in zip(rng.integers(72, size=30), rng.integers(128, size=30)):
        direction = np.linalg.inv(cameras[0].matrix) @ [u, v, 1]
        surface, s, t, distance = trace(scene, a, cameras[0].centre, direction)
        if surface is None:
            towards, reach = direction, np.inf
        else:
            if surface == 'ground':
                point = cameras[0].centre + distance * direction
            else:
                point = moved[surface] @ [s, t, 1]
            towards, reach = point - cameras[1].centre, 1.0
        x, y, depth = cameras[1].matrix @ towards
        if depth <= 0:
            assert not visible[v, u]
            continue
        x, y = x / depth, y / depth
        inside = 0 <= x <= 127 and 0 <= y <= 71
        hidden = trace(scene, b, cameras[1].centre, towards, reach * (1 - 1e-4))[0] is not None
        if np.hypot(x - u, y - v) < 500:
            np.testing.assert_allclose(flow[:, v, u], (x - u, y - v), atol=2e-3)
        wrong += visible[v, u] != (inside and not hidden)
    assert wrong == 0


@pytest.fixture(scope='module')
def drive():
    """A sunny street without air and noise, so that only the flow separates two frames."""
    scene = build_scene(1, (144, 256), 12)
    look = replace(scene.look, noise=0.0, haze=0.0, weather='clear', time='day')
    return replace(scene, look=look)


def sample(image: np.ndarray, flow: np.ndarray) -> np.ndarray:
    """image at x + flow(x), bilinear."""
    v, u = np.mgrid[: image.shape[0], : image.shape[1]].astype(np.float32)
    return cv2.remap(image, u + flow[0], v + flow[1], cv2.INTER_LINEAR)


def test_warped_frame_equals_the_other_one(drive):
    """Frame b looked up along the flow is frame a; along the negated flow it is not."""
    a, b = 2, 6
    flow, back, visible, visible_back = exact_flow(drive, a, b)
    first, second = (render_colour(drive, k / drive.spec.fps) for k in (a, b))
    assert visible.mean() > 0.4 and np.abs(flow[:, visible]).mean() > 2
    for target, source, way, seen in (
        (first, second, flow, visible),
        (second, first, back, visible_back),
    ):
        right = np.abs(sample(source, way).astype(float) - target)[seen].mean()
        negated = np.abs(sample(source, -way).astype(float) - target)[seen].mean()
        still = np.abs(source.astype(float) - target)[seen].mean()
        assert right < 6
        assert right < 0.35 * min(negated, still)


def test_labels_travel_with_the_flow(drive):
    """A visible pixel has the same class in both frames."""
    a, b = 2, 6
    flow, _, visible, _ = exact_flow(drive, a, b)
    labels = [render_labels(drive, k / drive.spec.fps) for k in (a, b)]
    v, u = np.nonzero(visible)
    x, y = np.rint([u + flow[0, v, u], v + flow[1, v, u]]).astype(int)
    assert (labels[0][v, u] == labels[1][y, x]).mean() > 0.95


def test_forwards_and_backwards_cancel_where_visible(drive):
    """F(x) + B(x + F(x)) = 0 where x is visible, and not where it is hidden."""
    flow, back, visible, _ = exact_flow(drive, 2, 6)
    there = np.stack([sample(plane, flow) for plane in back])
    error = np.hypot(*(flow + there))
    u, v = np.meshgrid(np.arange(256), np.arange(144))
    lands = (u + flow[0] >= 0) & (u + flow[0] <= 255) & (v + flow[1] >= 0) & (v + flow[1] <= 143)
    hidden = lands & ~visible
    assert hidden.sum() > 50
    assert (error[visible] < 0.25).mean() > 0.9
    assert (error[hidden] > 0.5).mean() > 0.7


def test_same_frame_is_identity():
    """No time passes: no flow, all visible."""
    flow, back, visible, _ = exact_flow(build_scene(3, (48, 80), 3), 1, 1)
    np.testing.assert_allclose(flow, 0, atol=1e-4)
    np.testing.assert_allclose(back, 0, atol=1e-4)
    assert visible.all()


def test_bad_arguments(tmp_path):
    """Errors name the frame, the box or the file."""
    scene = build_scene(0, (32, 48), 4)
    with pytest.raises(ValueError, match='frame 4 is outside scene 0, which has frames 0 to 3'):
        exact_flow(scene, 0, 4)
    with pytest.raises(ValueError, match='empty crop_box'):
        exact_flow(scene, 0, 1, crop_box=(10, 0, 10, 5))
    with pytest.raises(FileNotFoundError, match=r'nothing\.json'):
        exact_flow(tmp_path / 'nothing.json', 0, 1)
