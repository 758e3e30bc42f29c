"""What an analysis leaves: a figure as PNG and PDF, its numbers as CSV, and a line of text."""

from __future__ import annotations

import csv
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from poodle_mm.utils.files import replacing, write_text

if TYPE_CHECKING:  # matplotlib takes a second to import
    from matplotlib.figure import Figure

FOLDER = Path('work_dirs', 'figures')
"""Where analyses write unless they are told."""


def write_analysis(
    out: str | Path, figure: Figure, rows: Sequence[Mapping[str, object]], text: str, dpi: int = 150
) -> list[Path]:
    """Write ``<out>.png``, ``<out>.pdf``, ``<out>.csv`` and ``<out>.txt``.

    Args:
        out: Path without an ending; one of these four endings is taken off.
        figure: The figure.
        rows: Numbers that the figure shows, all with the columns of the first one.
        text: What the figure says, in a line.
        dpi: Pixels per inch of the PNG.

    Returns:
        The files.

    Raises:
        ValueError: If there are no rows, or one has other columns than the first.
    """
    out = Path(out)
    stem = out.with_suffix('') if out.suffix in ('.png', '.pdf', '.csv', '.txt') else out
    if not rows:
        raise ValueError(f'{stem}: nothing was measured, so there is nothing to draw')
    files = [stem.with_name(stem.name + suffix) for suffix in ('.png', '.pdf', '.csv', '.txt')]
    for file in files[:2]:
        with replacing(file) as temporary:
            figure.savefig(temporary, dpi=dpi, bbox_inches='tight')
    with replacing(files[2]) as temporary, open(temporary, 'w', newline='', encoding='utf-8') as f:
        writer = csv.DictWriter(f, list(rows[0]), lineterminator='\n')
        writer.writeheader()
        for number, row in enumerate(rows):
            if row.keys() != rows[0].keys():
                raise ValueError(f'{files[2]}: row {number} has the columns {[*row]}')
            writer.writerow(row)
    write_text(files[3], text.rstrip() + '\n')
    return files
