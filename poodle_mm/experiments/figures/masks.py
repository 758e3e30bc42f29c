"""Masks of several readouts beside the ground truth (PooDLe, Figures 4, 12 and 14)."""

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import numpy as np
from matplotlib.figure import Figure

from poodle_mm.evaluation.mask_scores import (
    FIRST,
    NEITHER,
    SECOND,
    image_miou,
    ious,
    right_shares,
    who_is_right,
)
from poodle_mm.evaluation.segmentation.comparison import MaskComparison
from poodle_mm.experiments.figures.output import write_analysis
from poodle_mm.visualization.mask_figure import (
    TRUTH,
    draw_class_masks,
    draw_differences,
    draw_masks,
)

WHOLE, CLASSES, DIFFERENCE = KINDS = ('whole', 'classes', 'difference')


def write_masks(
    out: str | Path,
    comparison: MaskComparison,
    kinds: Sequence[str] = KINDS,
    number: int = 4,
    differing: bool = False,
    classes: Sequence[str] | None = None,
) -> tuple[str, list[Path]]:
    """Write the figures ``<out>_whole``, ``<out>_classes`` and ``<out>_difference``.

    Args:
        out: Argument of :func:`~poodle_mm.experiments.figures.output.write_analysis`.
        comparison: The readouts and their images.
        kinds: Which figures.
        number: Images of the first and the last one.
        differing: Draw where the networks differ most, in place of an even spread.
        classes: Names for ``'classes'``; None: the eight smallest ones.

    Returns:
        Lines of text, and the files.

    Raises:
        ValueError: If a class is unknown, or one network is to be compared with itself.
    """
    makers: Mapping[str, Callable] = {
        WHOLE: lambda: _whole(comparison, number, differing),
        CLASSES: lambda: _classes(comparison, classes, differing),
        DIFFERENCE: lambda: _difference(comparison, number, differing),
    }
    if DIFFERENCE in kinds and len(comparison.networks) < 2:
        raise ValueError('a difference needs two readouts: name a second one, or leave it out')
    texts, files = [], []
    for kind in kinds:
        figure, rows, text = makers[kind]()
        texts.append(text)
        stem = Path(out)
        files += write_analysis(stem.with_name(f'{stem.name}_{kind}'), figure, rows, text)
    return '\n'.join(texts), files


def _whole(
    comparison: MaskComparison, number: int, differing: bool
) -> tuple[Figure, list[dict], str]:
    chosen = comparison.chosen(number, differing)
    shown = [comparison.show(k) for k in chosen]
    figure = draw_masks(
        [own.image for own in shown],
        [own.masks for own in shown],
        [_miou_titles(comparison, k) for k in chosen],
        comparison.classes,
        comparison.palette,
    )
    rows = []
    for k, index in enumerate(comparison.indices):
        for name, areas in comparison.areas.items():
            own = zip(comparison.classes, ious(areas[k]), areas[k, 1] / max(areas[k, 1].sum(), 1))
            file = comparison.files[index].name
            drawn = dict(image=file, drawn=k in chosen, network=name)
            rows.append(dict(drawn, **{'class': 'mean', 'iou': image_miou(areas[k]), 'share': 1}))
            rows += [
                dict(drawn, **{'class': label, 'iou': iou, 'share': share})
                for label, iou, share in own
                if np.isfinite(iou)
            ]
    return figure, rows, comparison.text(f'Predicted masks of {_rule(len(chosen), differing)}.')


def _classes(
    comparison: MaskComparison, classes: Sequence[str] | None, differing: bool
) -> tuple[Figure, list[dict], str]:
    chosen = {}
    for label in classes if classes is not None else _smallest(comparison, 8):
        if label not in comparison.classes:
            raise ValueError(f'unknown class {label!r}: take of {", ".join(comparison.classes)}')
        candidate = comparison.of_class(comparison.classes.index(label), differing)
        if candidate is not None:
            chosen[label] = candidate
    if not chosen:
        raise ValueError('none of these classes is in the images: raise --candidates')
    shown, titles, rows = [], [], []
    for label, candidate in chosen.items():
        number = comparison.classes.index(label)
        shown.append(own := comparison.show(candidate))
        titles.append(words := dict(image=label))
        for name, areas in comparison.areas.items():
            scores = ious(areas[candidate])[number], ious(areas.sum(0))[number]
            words[name] = f'IoU {scores[0]:.0f} (all {scores[1]:.0f})'
            file = comparison.files[own.index].name
            row = dict(network=name, image=file, iou=scores[0], iou_all=scores[1])
            rows.append({'class': label, **row})
    figure = draw_class_masks(
        [own.image for own in shown],
        [own.masks for own in shown],
        titles,
        [comparison.classes.index(label) for label in chosen],
        len(comparison.classes),
    )
    rule = 'on which the networks differ most in it' if differing else 'in which its size is median'
    text = f'{len(chosen)} classes, each on the image {rule}; titles: IoU there, and of all.'
    return figure, rows, comparison.text(text)


def _difference(
    comparison: MaskComparison, number: int, differing: bool
) -> tuple[Figure, list[dict], str]:
    first, *others = comparison.networks
    chosen = comparison.chosen(number, differing)
    count = len(comparison.classes)
    rows, means = [], dict.fromkeys(others, 0.0)
    for k, index in enumerate(comparison.indices):
        masks = {name: network(index) for name, network in comparison.networks.items()}
        for name in others:
            codes = who_is_right(masks[name][0], masks[first][1], masks[name][1], count)
            shares = right_shares(codes)
            means[name] += shares / len(comparison.indices)
            row = dict(image=comparison.files[index].name, drawn=k in chosen)
            row |= dict(first=first, other=name)
            row |= dict(only_first=shares[FIRST], only_other=shares[SECOND])
            rows.append(row | dict(neither=shares[NEITHER]))
    shown = [comparison.show(k) for k in chosen]
    codes, titles = [], []
    for k, own in zip(chosen, shown):
        truth = own.masks[TRUTH]
        codes.append(
            {n: who_is_right(truth, own.masks[first], own.masks[n], count) for n in others}
        )
        titles.append(words := _miou_titles(comparison, k))
        for name, where in codes[-1].items():
            shares = right_shares(where)
            numbers = f'{shares[FIRST]:.0f} / {shares[SECOND]:.0f}'
            words[f'difference {name}'] = f'{first} | {name}: {numbers}'
    figure = draw_differences(
        [own.image for own in shown],
        [own.masks for own in shown],
        codes,
        titles,
        first,
        comparison.palette,
    )
    words = '; '.join(
        f'{first} right and {name} wrong in {share[FIRST]:.1f} % of the pixels of an image, the '
        f'other way round in {share[SECOND]:.1f} %'
        for name, share in means.items()
    )
    text = f'Who is right where, drawn for {_rule(len(chosen), differing)}. On average {words}.'
    return figure, rows, comparison.text(text)


def _miou_titles(comparison: MaskComparison, candidate: int) -> dict[str, str]:
    """Above each panel of an image: its name, and the networks' mIoU on it."""
    name = comparison.files[comparison.indices[candidate]].stem
    scores = {
        network: f'mIoU {float(image_miou(areas[candidate])):.1f}'
        for network, areas in comparison.areas.items()
    }
    return dict(image=name) | scores


def _smallest(comparison: MaskComparison, number: int) -> list[str]:
    """Classes that appear, by their mean share of the images that hold them."""
    sizes = next(iter(comparison.areas.values()))[:, 1].astype(float)
    shares = sizes / np.maximum(sizes.sum(1, keepdims=True), 1)
    held = (sizes > 0).sum(0)
    mean = np.divide(shares.sum(0), held, out=np.full(len(held), np.inf), where=held > 0)
    order = [k for k in np.argsort(mean, kind='stable') if np.isfinite(mean[k])]
    return [comparison.classes[k] for k in order[:number]]


def _rule(count: int, differing: bool) -> str:
    """How images were chosen, in words."""
    if differing:
        return f'the {count} images on which the networks differ most in mIoU'
    return f'{count} images, evenly spread'
