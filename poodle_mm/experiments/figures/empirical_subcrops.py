"""Figures 10b and 11 from labelled images: what subcrops hit, and which classes they are of."""

from collections.abc import Collection, Sequence
from pathlib import Path

import numpy as np

from poodle_mm.catalog import CAMVID_CLASSES, CATALOG, STREET_CLASSES
from poodle_mm.datasets.label_files import LABELLED, class_names, label_files
from poodle_mm.evaluation.empirical_subcrops import (
    BACKGROUND,
    DRAWS,
    NO_OBJECT,
    SubcropDraws,
    SubcropSimulation,
    quantile_bins,
    relative_change,
    simulate_subcrops,
)
from poodle_mm.experiments.figures.output import write_analysis
from poodle_mm.experiments.figures.toy_subcrops import hits_by_share

CHANGE = '_classes'
"""Added to the stem of the files of Figure 11."""
_EVERY = 'all objects'
_SHARES = ('pixels_percent', 'subcrops_percent')
_TOY = np.geomspace(1e-4, 1, 60)  # shares of the frame


def foreground_of(name: str, background: Collection[str] | None = None) -> list[str]:
    """Foreground classes of a labelled data set.

    Args:
        name: Name of the data set.
        background: Names of its background classes; None: the paper's, and CamVid's of that kind.

    Raises:
        ValueError: If the data set is of neither kind and no background is given, or a name in it
            is no class.
    """
    classes = class_names(LABELLED[name])
    if background is None:
        if classes not in (STREET_CLASSES, CAMVID_CLASSES):
            raise ValueError(
                f'{name}: which of its {len(classes)} classes are background is not known: give '
                '--background'
            )
        background = BACKGROUND
    elif unknown := sorted(set(background) - set(classes)):
        raise ValueError(f'{name} has no class {", ".join(unknown)}; it has {", ".join(classes)}')
    return [each for each in classes if each not in background]


def write_empirical_subcrops(
    data: str,
    root: str | Path,
    out: str | Path,
    split: str = 'train',
    images: int | None = None,
    draws: SubcropDraws = DRAWS,
    background: Collection[str] | None = None,
    seed: int = 0,
) -> tuple[str, list[Path]]:
    """Simulate the subcrops of a split's images, and write both figures with numbers and text.

    Args:
        data, root, split: Labelled data set of the catalogue, its root, its split.
        out: Path of Figure 10b's files without an ending; Figure 11's have ``CHANGE`` added.
        images: Largest number of images, evenly spread; None: all.
        draws: Number and ranges of crops and subcrops.
        background: See :func:`foreground_of`.
        seed: Seed of the draws.

    Returns:
        Both lines of text, and the files.

    Raises:
        FileNotFoundError, ValueError: If there are no labels, or one is no label image.
    """
    names = foreground_of(data, background)
    files = label_files(data, root, split, images)
    classes = class_names(CATALOG[data])
    ids = {name: classes.index(name) for name in names}
    simulation = simulate_subcrops(files, CATALOG[data], ids.values(), draws, seed)
    whose = f'{data} {split}, {simulation.images} images, {len(simulation.pixels)} crops'
    objects = {name: number for name, number in ids.items() if name not in NO_OBJECT}
    out = Path(out)
    second = out.with_name(out.name + CHANGE)
    texts, written = zip(
        _write_hits(simulation, objects, draws, whose, out),
        _write_change(simulation, classes, set(names), whose, second),
    )
    return '\n'.join(texts), [file for each in written for file in each]


def hit_rows(simulation: SubcropSimulation, objects: dict[str, int]) -> list[dict]:
    """Rows of Figure 10b: bins of all objects together, then of each class.

    Args:
        simulation: What was found.
        objects: Names of foreground classes to their ids.

    Returns:
        ``class``, ``bin`` from 1, ``objects`` (a class in a crop is one), ``pixels_percent`` and
        ``subcrops_percent``.
    """
    groups = {_EVERY: [*objects.values()]} | {name: [i] for name, i in objects.items()}
    return [
        {
            'class': name,
            'bin': number,
            'objects': count,
            'pixels_percent': 100 * size,
            'subcrops_percent': 100 * hit,
        }
        for name, chosen in groups.items()
        for number, (size, hit, count) in enumerate(
            quantile_bins(simulation.pixels[:, chosen], simulation.hits[:, chosen]), 1
        )
    ]


def _write_hits(
    simulation: SubcropSimulation,
    objects: dict[str, int],
    draws: SubcropDraws,
    whose: str,
    out: Path,
) -> tuple[str, list[Path]]:
    # matplotlib takes a second
    from poodle_mm.visualization.hit_curves import MOST_CLASSES, draw_binned_hits

    rows = hit_rows(simulation, objects)
    if not rows:
        raise ValueError(f'{whose}: no crop shows any of {", ".join(objects)}')
    points = {}
    for row in rows:
        sizes, hits = points.setdefault(row['class'], ([], []))
        sizes.append(row['pixels_percent'])
        hits.append(row['subcrops_percent'])
    sizes, hits = every = points.pop(_EVERY)
    seen = {name: (simulation.pixels[:, objects[name]] > 0).sum() for name in points}
    often = sorted(points, key=lambda name: -seen[name])[:MOST_CLASSES]
    title = 'class by class' if len(often) == len(points) else f'the {len(often)} most frequent'
    pixels, toy = hits_by_share(_TOY.tolist(), thresholds=[draws.hit])
    low, high = (f'{100 * each:g}' for each in draws.area)
    figure = draw_binned_hits(
        every,
        {name: each for name, each in points.items() if name in often},
        ((100 * pixels).tolist(), (100 * toy[:, 0]).tolist()),
        (f'{whose} of\n{draws.subcrops} subcrops, {low}–{high} % of the crop', title),
    )
    text = (
        f'Probability that a subcrop is at least {draws.hit:.0%} of a foreground class, against '
        f'its share of the pixels ({whose} of {draws.subcrops} subcrops): smallest tenth '
        f'{hits[0]:.2f} % against {sizes[0]:.3f} %, {hits[len(hits) // 2]:.2f} % against '
        f'{sizes[len(sizes) // 2]:.3f} % in the middle, largest {hits[-1]:.1f} % against '
        f'{sizes[-1]:.1f} %.'
    )
    return text, write_analysis(out, figure, rows, text)


def change_rows(
    simulation: SubcropSimulation, classes: Sequence[str], foreground: Collection[str]
) -> list[dict]:
    """Rows of Figure 11, by falling change; classes without pixels are left out."""
    columns = zip(classes, *relative_change(simulation))
    rows = [
        {
            'class': name,
            'kind': 'foreground' if name in foreground else 'background',
            'pixels_percent': 100 * pixels,
            'subcrops_percent': 100 * subcrops,
            'change_percent': 100 * change,
        }
        for name, pixels, subcrops, change in columns
        if pixels
    ]
    return sorted(rows, key=lambda row: -row['change_percent'])


def _write_change(
    simulation: SubcropSimulation,
    classes: Sequence[str],
    foreground: Collection[str],
    whose: str,
    out: Path,
) -> tuple[str, list[Path]]:
    from poodle_mm.visualization.curves import BLUE
    from poodle_mm.visualization.distribution_bars import draw_bars

    rows = change_rows(simulation, classes, foreground)
    looks = {'foreground': dict(facecolor='#16a34a'), 'background': dict(facecolor=BLUE)}
    figure = draw_bars(
        {row['class']: row['change_percent'] for row in rows},
        [looks[row['kind']] for row in rows],
        looks,
        (
            f'subcrops by their class, against pixels: {whose}',
            'change of the share of the class, %',
        ),
        '{:+.0f}',
    )
    shares = [
        (kind, *(sum(row[key] for row in rows if row['kind'] == kind) for key in _SHARES))
        for kind in looks
    ]
    told = ', '.join(f'{kind} {a:.1f} % of pixels, {b:.1f} % of subcrops' for kind, a, b in shares)
    more = [row['class'] for row in rows if row['change_percent'] > 0]
    text = f'Class labels of subcrops against pixels ({whose}): {told}; more: {", ".join(more)}.'
    return text, write_analysis(out, figure, rows, text)
