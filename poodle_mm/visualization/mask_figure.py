"""Masks of several networks beside the ground truth: whole, class by class, by difference."""

from collections.abc import Mapping, Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from poodle_mm.visualization.images import label_colours
from poodle_mm.visualization.legend import add_legend
from poodle_mm.visualization.panels import show, stacked

_FOUND, _MISSED, _FALSE = (31, 120, 209), (255, 176, 0), (220, 38, 127)
_FIRST, _SECOND, _NEITHER = (33, 102, 172), (241, 105, 19), (85, 85, 85)
_MIOU = 'mIoU in percent, over the classes that the ground truth of the image has'
TRUTH = 'ground truth'


def draw_masks(
    images: Sequence[np.ndarray],
    masks: Sequence[Mapping[str, np.ndarray]],
    titles: Sequence[Mapping[str, str]],
    classes: Sequence[str],
    palette: Sequence[Sequence[int]],
) -> Figure:
    """Draw a row an image: the image, the ground truth, each network's classes.

    Args:
        images: uint8 (H, W, 3) each.
        masks: Of each image ``TRUTH`` and networks to class ids (H, W); other ids are white.
        titles: Of each image what stands above its panels; ``'image'`` for itself.
        classes, palette: Names and colours (RGB, 0 to 255).
    """
    rows = _rows(images, [1 + len(own) for own in masks])
    for axes, image, own, words in zip(rows, images, masks, titles):
        _photo(axes[0], image, words)
        for axis, (name, mask) in zip(axes[1:], own.items()):
            show(axis, label_colours(mask, palette), _title(name, words), interpolation=None)
    seen = np.unique(np.concatenate([mask.ravel() for own in masks for mask in own.values()]))
    named = {classes[k]: palette[k] for k in seen if k < len(classes)}
    if (seen >= len(classes)).any():
        named['not labelled'] = (255, 255, 255)
    add_legend(rows[0][0].figure, [(['#ffffff'], _MIOU)], names=named)
    return rows[0][0].figure


def draw_class_masks(
    images: Sequence[np.ndarray],
    masks: Sequence[Mapping[str, np.ndarray]],
    titles: Sequence[Mapping[str, str]],
    ids: Sequence[int],
    num_classes: int,
) -> Figure:
    """Draw a row a class: an image, where the class is, and where each network sees it.

    Args:
        images, masks, titles: As for :func:`draw_masks`, of each class.
        ids: The classes.
        num_classes: Labels of other ids are unknown, and nothing is drawn over them.
    """
    rows = _rows(images, [1 + len(own) for own in masks])
    for axes, image, own, words, number in zip(rows, images, masks, titles, ids):
        _photo(axes[0], image, words)
        there, known = own[TRUTH] == number, own[TRUTH] < num_classes
        for axis, (name, mask) in zip(axes[1:], own.items()):
            picture, seen = pale(image), (mask == number) & known
            picture[there & seen] = _FOUND
            picture[there & ~seen] = _MISSED
            picture[seen & ~there] = _FALSE
            show(axis, picture, _title(name, words), interpolation=None)
    lines = [
        ([_rgb(_FOUND)], 'the class, and seen as it'),
        ([_rgb(_MISSED)], 'the class, but seen as another one'),
        (
            [_rgb(_FALSE)],
            'another class that is seen as this one; nothing is drawn without a label',
        ),
        (['#ffffff'], 'IoU of the class in percent, in this image and over all images looked at'),
    ]
    add_legend(rows[0][0].figure, lines)
    return rows[0][0].figure


def draw_differences(
    images: Sequence[np.ndarray],
    masks: Sequence[Mapping[str, np.ndarray]],
    codes: Sequence[Mapping[str, np.ndarray]],
    titles: Sequence[Mapping[str, str]],
    first: str,
    palette: Sequence[Sequence[int]],
) -> Figure:
    """Draw a row an image: image, ground truth, masks, and who is right where.

    Args:
        images, masks, titles, palette: As for :func:`draw_masks`.
        codes: Of each image the other networks to
            :func:`~poodle_mm.evaluation.mask_scores.who_is_right` of ``first`` and them.
        first: Network that the others are compared with.
    """
    colours = np.array([(0, 0, 0), _FIRST, _SECOND, _NEITHER, (255, 255, 255)], np.uint8)
    rows = _rows(images, [1 + len(own) + len(code) for own, code in zip(masks, codes)])
    for axes, image, own, code, words in zip(rows, images, masks, codes, titles):
        _photo(axes[0], image, words)
        for axis, (name, mask) in zip(axes[1:], own.items()):
            show(axis, label_colours(mask, palette), _title(name, words), interpolation=None)
        for axis, (name, where) in zip(axes[1 + len(own) :], code.items()):
            picture = colours[where]
            both_right = where == 0
            picture[both_right] = pale(image)[both_right]
            show(axis, picture, words.get(f'difference {name}', name), interpolation=None)
    lines = [
        ([_rgb(_FIRST)], f'{first} is right, the other network wrong'),
        ([_rgb(_SECOND)], f'the other network is right, {first} wrong'),
        ([_rgb(_NEITHER)], 'both are wrong'),
        (['#ffffff'], 'pale image: both are right; white: not labelled'),
        (['#ffffff'], f'titles: {_MIOU}; percent of blue / of orange pixels'),
    ]
    add_legend(rows[0][0].figure, lines)
    return rows[0][0].figure


def pale(image: np.ndarray) -> np.ndarray:
    """A uint8 (H, W, 3) image in light grey, under colours."""
    grey = image.astype(float).mean(axis=2, keepdims=True)
    return np.repeat(255 - 0.4 * (255 - grey), 3, axis=2).round().astype(np.uint8)


def _rows(images: Sequence[np.ndarray], counts: Sequence[int]) -> list[list[Axes]]:
    return stacked([(n, image.shape[0] / image.shape[1]) for n, image in zip(counts, images)])


def _photo(axis: Axes, image: np.ndarray, words: Mapping[str, str]) -> None:
    show(axis, image, words.get('image', ''), interpolation=None)


def _title(name: str, words: Mapping[str, str]) -> str:
    return f'{name}: {words[name]}' if words.get(name) else name


def _rgb(colour: Sequence[int]) -> tuple[float, ...]:
    return tuple(np.divide(colour, 255))
