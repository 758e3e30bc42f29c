"""Scores of single masks against values by hand and naive loops."""

import numpy as np
import pytest

from poodle_mm.evaluation import mask_scores as scores

TRUTH = np.array([[0, 0, 1, 1], [0, 2, 2, 255]])
FIRST = np.array([[0, 1, 1, 1], [0, 2, 0, 0]])
SECOND = np.array([[0, 0, 0, 0], [1, 2, 2, 1]])


def test_areas_and_iou_by_hand():
    areas = scores.class_areas(TRUTH, FIRST, 4)
    np.testing.assert_array_equal(areas, [[2, 2, 1, 0], [3, 2, 2, 0], [3, 3, 1, 0]])
    np.testing.assert_allclose(scores.ious(areas), [50, 200 / 3, 50, np.nan])
    assert scores.image_miou(areas) == pytest.approx((50 + 200 / 3 + 50) / 3)


def test_iou_is_that_of_sets():
    rng = np.random.default_rng(0)
    truth, prediction = rng.integers(0, 5, (2, 3, 8, 9))
    truth[rng.random(truth.shape) < 0.1] = 255
    areas = np.stack([scores.class_areas(t, p, 5) for t, p in zip(truth, prediction)])
    for number in range(5):
        both, either = 0, 0
        for t, p in zip(truth.ravel(), prediction.ravel()):
            if t != 255:
                both += t == number and p == number
                either += t == number or p == number
        assert scores.ious(areas.sum(0))[number] == pytest.approx(100 * both / either)


def test_a_class_that_is_only_predicted_does_not_count_in_an_image():
    areas = scores.class_areas(np.zeros((2, 2), int), np.array([[0, 0], [0, 1]]), 2)
    assert scores.ious(areas).tolist() == [75, 0] and scores.image_miou(areas) == 75
    assert np.isnan(scores.image_miou(np.zeros((3, 2))))


def test_who_is_right():
    codes = scores.who_is_right(TRUTH, FIRST, SECOND, 3)
    both, first, second, unknown = scores.BOTH, scores.FIRST, scores.SECOND, scores.UNKNOWN
    expected = [[both, second, first, first], [first, both, second, unknown]]
    np.testing.assert_array_equal(codes, expected)
    np.testing.assert_allclose(scores.right_shares(codes), np.array([2, 3, 2, 0]) * 100 / 7)
    swapped = scores.right_shares(scores.who_is_right(TRUTH, SECOND, FIRST, 3))
    np.testing.assert_allclose(swapped, np.array([2, 2, 3, 0]) * 100 / 7)
    assert (scores.who_is_right(TRUTH, FIRST, FIRST, 3)[TRUTH != FIRST] != both).all()


def test_images_are_chosen_by_rule():
    assert scores.spread_over(10, 2) == [2, 7] and scores.spread_over(2, 5) == [0, 1]
    values = [[10, 50, np.nan, 30], [10, 20, np.nan, 70], [20, 40, np.nan, 50]]
    assert scores.most_different(values, 2) == [3, 1]
    assert scores.most_different(values, 9) == [3, 1, 0]
