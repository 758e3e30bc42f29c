"""Figure 1c: how the pixels of a labelled data set are shared out between its classes."""

from pathlib import Path

from poodle_mm.datasets.label_files import LABELLED, class_names, label_folder
from poodle_mm.evaluation.class_groups import ClassStatistics, label_statistics
from poodle_mm.experiments.figures.output import write_analysis

_LOG_FROM = 30  # largest over smallest share from which a logarithmic axis is needed


def write_class_distribution(
    data: str, root: str | Path, split: str, out: str | Path
) -> tuple[str, list[Path]]:
    """Count the pixels of a split's labels, and write figure, numbers and text.

    Args:
        data: Name of a labelled data set of the catalogue.
        root: Its root.
        split: Name of the split.
        out: Path of the files without an ending.

    Returns:
        The line of text, and the files.

    Raises:
        FileNotFoundError, ValueError: If there are no labels, or one is no label image.
    """
    from poodle_mm.visualization.curves import BLUE, ORANGE  # matplotlib takes a second
    from poodle_mm.visualization.distribution_bars import draw_bars

    folder, described = label_folder(data, root, split), LABELLED[data]
    statistics = label_statistics(
        folder,
        class_names(described),
        ignore=(described.ignore_index,),
        reduce_zero_label=described.reduce_zero_label,
        suffix=described.seg_map_suffix,
    )
    rows = distribution_rows(statistics)
    shown = {row['class']: row['pixels_percent'] for row in rows if row['pixels_percent']}
    if not shown:
        raise ValueError(f'{folder}: no pixel of its {statistics.images} images has a class')
    size, rare = dict(large=BLUE, small=ORANGE), dict(hatch='////', edgecolor='white')
    looks = [
        dict(facecolor=size[row['size']]) | (rare if row['frequency'] == 'rare' else {})
        for row in rows
        if row['pixels_percent']
    ]
    legend = {
        'large: over 1 % of the images that contain it': dict(facecolor=BLUE),
        'small: at most 1 %': dict(facecolor=ORANGE),
        'rare (striped): in at most 20 % of the images': dict(facecolor='#9ca3af') | rare,
    }
    log = max(shown.values()) > _LOG_FROM * min(shown.values())
    figure = draw_bars(
        shown,
        looks,
        legend,
        (
            f'{data}, {split}: {statistics.images} images',
            '% of all pixels' + (' (logarithmic)' if log else ''),
        ),
        '{:.2g}',
        log,
    )
    text = _text(f'{data} {split}', statistics, rows)
    return text, write_analysis(out, figure, rows, text)


def distribution_rows(statistics: ClassStatistics) -> list[dict]:
    """A row a class, by falling share of the pixels.

    Args:
        statistics: What :func:`~poodle_mm.evaluation.class_groups.label_statistics` counted.

    Returns:
        ``class``; ``pixels_percent`` of all images; ``image_percent``, of the images that contain
        it; ``images_percent`` that do; ``size`` and ``frequency``, its groups, empty for a class
        that never appears.
    """
    groups = {number: group for group in ('small', 'large') for number in statistics.groups[group]}
    frequencies = {
        number: group for group in ('rare', 'common') for number in statistics.groups[group]
    }
    rows = [
        {
            'class': name,
            'pixels_percent': 100 * (area or 0) * presence,
            'image_percent': 100 * (area or 0),
            'images_percent': 100 * presence,
            'size': groups.get(number, ''),
            'frequency': frequencies.get(number, ''),
        }
        for number, (name, area, presence) in enumerate(
            zip(statistics.classes, statistics.area, statistics.presence)
        )
    ]
    return sorted(rows, key=lambda row: -row['pixels_percent'])


def _text(whose: str, statistics: ClassStatistics, rows: list[dict]) -> str:
    pixels = {row['class']: row['pixels_percent'] for row in rows}
    top = ', '.join(f'{name} {share:.1f} %' for name, share in [*pixels.items()][:3])
    parts = [f'{whose}: {statistics.images} images; the largest classes are {top}']
    for group in ('small', 'rare'):
        names = [statistics.classes[number] for number in statistics.groups[group]]
        share = sum(pixels[name] for name in names)
        parts.append(f'{group}: {", ".join(names) or "none"} ({share:.2f} % of the pixels)')
    return '; '.join([*parts, f'no class: {100 - sum(pixels.values()):.1f} %']) + '.'
