"""Class groups on labels whose shares are known, and on the paper's table."""

import numpy as np
import pytest

from poodle_mm.evaluation.class_groups import class_groups, class_shares, group_means


def test_shares_by_hand():
    """10x10 images: class 1 fills 4 and 1 pixels of two of three images, class 2 none."""
    first = np.zeros((10, 10), np.uint8)
    first[0, :4] = 1
    second = np.zeros((10, 10), np.uint8)
    second[0, 0] = 1
    second[5:] = 255
    third = np.zeros((5, 20), np.uint8)
    area, presence = class_shares([first, second, third], num_classes=3)
    np.testing.assert_allclose(area[:2], [(0.96 + 0.49 + 1.0) / 3, (0.04 + 0.01) / 2])
    assert np.isnan(area[2])
    np.testing.assert_allclose(presence, [1, 2 / 3, 0])


def test_group_borders_are_unrounded_and_inclusive_as_stated():
    """Small up to exactly 1 %, common above exactly 20 %, an absent class in no group."""
    area = np.array([0.01, 0.0100001, 0.3, np.nan])
    presence = np.array([0.2, 0.2000001, 1.0, 0.0])
    assert class_groups(area, presence) == dict(small=[0], large=[1, 2], rare=[0], common=[1, 2])


def test_nothing_to_group():
    with pytest.raises(ValueError, match='no label images'):
        class_shares([], num_classes=3)


def test_means_leave_out_classes_without_score():
    """NaN is left out; a group of only NaN has no mean; an empty one neither."""
    scores = np.array([10.0, np.nan, 40.0])
    means = group_means(scores, dict(a=[0, 1], b=[1], c=[], d=[0, 2]))
    assert means['a'] == 10 and means['d'] == 25
    assert np.isnan(means['b']) and np.isnan(means['c'])


def test_the_papers_table():
    """Table 6 (PooDLe, BDD) averages to Table 3 with the groups of Table 7."""
    iou = [91.3, 93.5, 77.0, 80.4, 81.7, 34.0, 29.4, 24.3, 17.2, 49.6, 38.1, 0]  # large ones
    iou += [24.3, 18.0, 35.2, 2.9, 26.6, 0, 21.2]  # small: pole to traffic light
    area = [22.0, 18.2, 15.0, 14.4, 8.4, 3.7, 3.4, 3.2, 3.1, 3.1, 2.8, 2.1]
    area += [1.0, 0.8, 0.7, 0.6, 0.5, 0.4, 0.4]
    presence = [96.5, 94.8, 88.4, 91.7, 97.3, 15.0, 30.6, 30.5, 15.4, 66.7, 36.7, 0.7]
    presence += [95.0, 6.4, 34.7, 3.8, 75.3, 5.2, 47.1]
    groups = class_groups(np.array(area) / 100, np.array(presence) / 100)
    assert groups['small'] == list(range(12, 19))
    means = group_means(np.array(iou), groups | dict(all=range(19)))
    expected = dict(all=39.19, small=18.31, large=51.38, rare=12.02, common=51.74)
    assert means == pytest.approx(expected, abs=0.1)
