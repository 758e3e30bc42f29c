"""Boxes of several detectors beside the ground truth (PooDLe, Figure 13)."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from poodle_mm.apis.features import load_image
from poodle_mm.evaluation.detection.predictions import Boxes, BoxPredictor
from poodle_mm.evaluation.mask_scores import most_different, spread_over
from poodle_mm.evaluation.trained_readout import read_readouts
from poodle_mm.experiments.figures.output import write_analysis
from poodle_mm.utils.progress import Progress
from poodle_mm.visualization.box_figure import draw_boxes
from poodle_mm.visualization.images import to_images
from poodle_mm.visualization.mask_figure import TRUTH


def write_boxes(
    out: str | Path,
    readouts: Sequence[str],
    data_root: str | Path | None = None,
    readout: str | None = None,
    number: int = 4,
    candidates: int = 32,
    differing: bool = False,
    score: float = 0.3,
    device: str = 'cpu',
) -> tuple[str, list[Path]]:
    """Draw and count the boxes of several detectors.

    Args:
        out: Argument of :func:`~poodle_mm.experiments.figures.output.write_analysis`.
        readouts: Arguments of :func:`~poodle_mm.evaluation.trained_readout.find_readouts`.
        data_root: Folder of the data; None: where they were.
        readout: Name of the readout, e.g. ``'det-fpn'``, where a folder has several.
        number: Images that are drawn.
        candidates: Images that are looked at, evenly spread; the drawn ones are among them.
        differing: Draw where the detectors' F1 differs most, in place of an even spread.
        score: Boxes of a lower score are left out.
        device: Device of the models.

    Returns:
        The line of text and the files.

    Raises:
        FileNotFoundError, ValueError: As ``find_readouts``; or if the readouts' images or classes
            differ.
    """
    found = read_readouts(readouts, 'mmdet', readout)
    networks = {own.name: BoxPredictor(own, data_root, score, device) for own in found}
    first, *others = networks.values()
    for other in others:
        if (other.classes, other.files) != (first.classes, first.files):
            raise ValueError(f'{first.name} and {other.name} have other images or classes')
    indices = spread_over(len(first.files), candidates)
    boxes: list[dict[str, Boxes]] = [{} for _ in indices]
    for name, network in networks.items():
        for own, index in zip(boxes, Progress(indices, desc=name, leave=False)):
            own[TRUTH], own[name] = network(index)
    scores = [[f1(own[TRUTH], own[name]) for own in boxes] for name in networks]
    chosen = (most_different if differing else lambda _, n: spread_over(len(indices), n))(
        scores, number
    )
    titles, images = [], []
    for k in chosen:
        file = first.files[indices[k]]
        images += list(to_images(load_image(file)[None]))
        truth = boxes[k][TRUTH]
        words = dict(image=file.stem) | {TRUTH: f'{TRUTH}: {len(truth.labels)} boxes'}
        for name in networks:
            right, false = _counts(boxes[k][name])
            words[name] = f'{name}: {right} found, {false} false'
        titles.append(words)
    figure = draw_boxes(
        images,
        [boxes[k] for k in chosen],
        titles,
        first.classes,
        first.palette,
        f'true boxes, and predictions (score {score:g} or more) that find one: same class, '
        'IoU 0.5 or more',
    )
    rows, words = [], []
    for name in networks:
        total = np.zeros(3, int)
        for k, own in enumerate(boxes):
            counts = np.array([len(own[TRUTH].labels), *_counts(own[name])])
            total += counts
            row = dict(image=first.files[indices[k]].name, drawn=k in chosen, network=name)
            row |= dict(zip(('boxes', 'found', 'false'), counts.tolist()))
            rows.append(row | dict(f1=f1(own[TRUTH], own[name])))
        words.append(f'{name} finds {total[1]} of {total[0]} and has {total[2]} false ones')
    rule = 'where F1 differs most' if differing else 'evenly spread'
    text = (
        f'Boxes of a score of at least {score:g} on {len(chosen)} images, {rule}. Over '
        f'{len(indices)} of the {len(first.files)} images in {first.files[0].parent}: '
        f'{"; ".join(words)}.'
    )
    return text, write_analysis(out, figure, rows, text)


def f1(truth: Boxes, prediction: Boxes) -> float:
    """F1 in percent of an image's predictions; NaN where there are no boxes at all."""
    count = len(truth.labels) + len(prediction.labels)
    return 200 * int(prediction.right.sum()) / count if count else float('nan')


def _counts(prediction: Boxes) -> tuple[int, int]:
    """Predictions that find a true box, and false ones."""
    right = int(prediction.right.sum())
    return right, len(prediction.right) - right
