"""Boxes of the visible parts of objects."""

import numpy as np
import pytest

from poodle_mm.catalog import BOX_CLASSES
from poodle_scenes import (
    SCENE_CLASSES,
    build_scene,
    object_boxes,
    render_labels,
    render_objects,
)
from poodle_scenes.raster import rasterize

PERSON, CAR = SCENE_CLASSES.index('person'), SCENE_CLASSES.index('car')
# 96 pixels of focal length, the horizon's middle at (47.5, 31.5), the eye 1.5 m above the ground.
PANEL = (-1, 1, 10, 0, 2, -1)  # u 37.9 to 57.1, v 26.7 to 45.9


def test_box_by_hand(hand_made):
    """Edges enclose the pixels whose centres are covered: 38..57 and 27..45."""
    boxes, categories = object_boxes(hand_made([PANEL], classes=[PERSON]), 0.0)
    assert boxes.tolist() == [[38, 27, 58, 46]]
    assert [BOX_CLASSES[c] for c in categories] == ['pedestrian']


def test_only_the_visible_part(hand_made):
    """A nearer wall from u = 47.5 on hides the right half."""
    wall = (0, 3, 5, 0, 3, -1)
    boxes, _ = object_boxes(hand_made([PANEL, wall], classes=[PERSON, 2]), 0.0)
    assert boxes.tolist() == [[38, 27, 48, 46]]


def test_parts_of_an_object_share_a_box(hand_made):
    """Two panels 2 m apart: one box as one object, two as two."""
    panels = [(-3, -2, 10, 0, 2, -1), (2, 3, 10, 0, 2, -1)]
    joint = object_boxes(hand_made(panels, classes=[CAR, CAR], objects=[0, 0]), 0.0)
    assert joint[0].tolist() == [[19, 27, 77, 46]] and joint[1].tolist() == [2]
    apart = object_boxes(hand_made(panels, classes=[CAR, CAR], objects=[0, 1]), 0.0)
    assert apart[0].tolist() == [[19, 27, 29, 46], [67, 27, 77, 46]]


@pytest.mark.parametrize(('pixels', 'side', 'kept'), [(380, 19, 1), (381, 1, 0), (1, 20, 0)])
def test_small_objects_are_left_out(hand_made, pixels, side, kept):
    """The panel covers 20 x 19 pixels."""
    scene = hand_made([PANEL], classes=[PERSON])
    assert len(object_boxes(scene, 0.0, min_pixels=pixels, min_side=side)[0]) == kept


def test_nothing_to_see(hand_made):
    """A building has no box; arrays keep their shapes."""
    boxes, categories = object_boxes(hand_made([PANEL]), 0.0)
    assert boxes.shape == (0, 4) and categories.shape == (0,)


@pytest.fixture(scope='module', params=[0, 4, 5, 12])
def street(request):
    """A built scene and one of its moments."""
    return build_scene(request.param, (96, 160), 20), 1.0


def test_against_a_pass_over_all_pixels(street):
    """Pixel by pixel over the surfaces that the renderer shows."""
    scene, t = street
    ids, _ = rasterize(scene.view(t), scene.alpha, scene.spec.size)
    extent: dict[int, list[int]] = {}
    names = {'person': 'pedestrian'}
    for v in range(ids.shape[0]):
        for u in range(ids.shape[1]):
            if ids[v, u] >= len(scene.objects):
                continue
            number = scene.objects[ids[v, u]]
            label = SCENE_CLASSES[scene.surfaces.class_id[ids[v, u]]]
            if names.get(label, label) not in BOX_CLASSES:
                continue
            category = BOX_CLASSES.index(names.get(label, label))
            x0, y0, x1, y1, c, n = extent.get(number, (u, v, u + 1, v + 1, category, 0))
            assert c == category, 'an object has one class'
            extent[number] = [min(x0, u), min(y0, v), max(x1, u + 1), max(y1, v + 1), c, n + 1]
    expected = sorted(
        (x0, y0, x1, y1, c)
        for x0, y0, x1, y1, c, n in extent.values()
        if n >= 16 and x1 - x0 >= 3 and y1 - y0 >= 3
    )
    boxes, categories = object_boxes(scene, t)
    assert sorted(map(tuple, np.column_stack([boxes, categories]).tolist())) == expected
    assert len(expected) > 1


def test_boxes_agree_with_labels(street):
    """Every labelled pixel of a class is in a box of it, and boxes touch such pixels all round."""
    scene, t = street
    labels = render_labels(scene, t)
    boxes, categories = object_boxes(scene, t, min_pixels=1, min_side=1)
    for category, name in enumerate(BOX_CLASSES):
        of_class = labels == SCENE_CLASSES.index({'pedestrian': 'person'}.get(name, name))
        covered = np.zeros_like(of_class)
        for x0, y0, x1, y1 in boxes[categories == category]:
            covered[y0:y1, x0:x1] = True
            part = of_class[y0:y1, x0:x1]
            assert part[0].any() and part[-1].any() and part[:, 0].any() and part[:, -1].any()
        assert not (of_class & ~covered).any(), name


def test_objects_are_things_and_not_heaps():
    """No object is larger than a thing of its class, so no two of them were taken for one."""
    longest = dict(zip(BOX_CLASSES, (2.13, 2.1, 6.2, 11.8, 12.7, 80, 2.6, 2.6, 1.2, 4.3)))
    seen = set()
    for seed in range(24):
        scene = build_scene(seed, (32, 64), 20)
        frames = scene.surfaces.frames_at(scene.bodies, 0.5)
        corners = frames @ np.array([[0, 0, 1], [1, 0, 1], [1, 1, 1], [0, 1, 1.0]]).T
        for number in np.unique(scene.objects):
            parts = scene.objects == number
            (label,) = {SCENE_CLASSES[c] for c in scene.surfaces.class_id[parts]}
            name = {'person': 'pedestrian'}.get(label, label)
            if name in longest:
                points = corners[parts].transpose(0, 2, 1).reshape(-1, 3)
                apart = np.linalg.norm(points[:, None] - points, axis=2).max()
                assert apart < longest[name], (seed, name, apart)
                assert name != 'pedestrian' or parts.sum() == 1
                seen.add(name)
        trains = {n for n, c in zip(scene.objects, scene.surfaces.class_id) if c == 16}
        assert len(trains) <= 1, 'the cars of a train are one object'
    assert seen == set(BOX_CLASSES)


def test_object_map_leaves_out_ground_and_sky(street):
    """-1 exactly where the nearest surface is the ground plane or the sky."""
    scene, t = street
    objects = render_objects(scene, t)
    view = scene.view(t)
    ids, _ = rasterize(view, scene.alpha, scene.spec.size)
    np.testing.assert_array_equal(objects == -1, ids >= view.ground)
    assert (objects == -1).any() and (objects >= 0).any()
