"""Report of training runs: health first, then settings, curves, pictures, readouts and failures."""

import time
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import groupby
from operator import itemgetter
from pathlib import Path

from markupsafe import Markup

from poodle_mm.experiments.report import curves
from poodle_mm.experiments.report.gallery import gallery_of
from poodle_mm.experiments.report.health import judge
from poodle_mm.experiments.report.page import embedded_json, render
from poodle_mm.experiments.report.pictures import pictures_over_time
from poodle_mm.experiments.report.readouts import readouts_of
from poodle_mm.experiments.report.runs import LoggedRun, read_runs
from poodle_mm.experiments.report.settings import differences, environment
from poodle_mm.experiments.report.timing import NOT_KNOWN, key_numbers, last_values, time_parts
from poodle_mm.utils.files import write_text
from poodle_mm.version import __version__

_PARTS = dict(
    numbers='Numbers', curves='Curves', time='Time', settings='Settings', pictures='Pictures',
    readouts='Readouts', failures='Failures', warnings='Warnings',
)  # fmt: skip
_MOST_ROWS = 20  # of a comparison that are not folded
_MARKS = dict(good='✓', warning='!', error='✕', unknown='?')


@dataclass(frozen=True)
class Section:
    """A part of a report that is not about its runs.

    Attributes:
        id: Anchor.
        title: Title.
        body: Its HTML.
    """

    id: str
    title: str
    body: Markup


def report_runs(
    work_dirs: Sequence[str | Path],
    out: str | Path | None = None,
    labels: Sequence[str] | None = None,
) -> Path:
    """Write a report of runs, finished or not, as one HTML file.

    Nothing in the work dirs is executed; the runs may go on meanwhile.

    Args:
        work_dirs: Folders of runs; several stand side by side.
        out: Folder of the report; default: the first work dir.
        labels: Names of the runs; default: those of the folders.

    Returns:
        The file.

    Raises:
        FileNotFoundError: If a folder has no log of a training.
        ValueError: If there is not one label for each run, or two are equal.
    """
    runs = read_runs(work_dirs, labels)
    title = ' and '.join(run.label for run in runs[:3])
    title += f' and {len(runs) - 3} more' if len(runs) > 3 else ''
    return write_page(Path(out or runs[0].folder) / 'report.html', runs, title)


def write_page(
    file: Path,
    runs: Sequence[LoggedRun],
    title: str,
    subtitle: str = '',
    tiles: Sequence[tuple[str, str]] = (),
    extra: Sequence[Section] = (),
) -> Path:
    """Write the report of runs.

    Args:
        file: The HTML file.
        runs: The runs.
        title, subtitle: Above all.
        tiles: More names and values for the first screen.
        extra: Sections before those about the runs.

    Returns:
        The file.
    """
    labels = [run.label for run in runs]
    numbers = [key_numbers(run) for run in runs]
    known = [(name, value) for name, value in numbers[0].items() if value != NOT_KNOWN]
    columns = [last_values(run) for run in runs]
    if len(runs) > 1:  # of one run they are the tiles
        columns = [key | values for key, values in zip(numbers, columns)]
    names = list(dict.fromkeys(name for column in columns for name in column))
    charts = curves.charts_of(runs)
    weight = curves.initial_smoothing(charts)
    shown = [_chart(chart, labels, weight) for chart in charts]
    times = [
        dict(label=run.label, colour=n, time=found)
        for n, run in enumerate(runs) if (found := time_parts(run))
    ]  # fmt: skip
    page = render(
        'report.html',
        title=title,
        subtitle=subtitle or 'Report of training: ' + ', '.join(str(run.folder) for run in runs),
        runs=runs,
        labels=labels,
        verdicts=[judge(run) for run in runs],
        marks=_MARKS,
        most_rows=_MOST_ROWS,
        tiles=[*tiles, *(known if len(runs) == 1 else ())],
        parts=[*(dict(id=s.id, title=s.title) for s in extra),
               *(dict(id=key, title=name) for key, name in _PARTS.items())],
        extra=extra,
        numbers=dict(
            head=['', *labels],
            rows=[[name, *(column.get(name, '–') for column in columns)] for name in names],
        ),
        charts=[(group, list(of_group)) for group, of_group in groupby(shown, itemgetter('group'))],
        smooth=weight,
        width=curves.WIDTH,
        height=curves.HEIGHT,
        payload=embedded_json(curves.payload(runs, charts)),
        times=times,
        differences=differences(runs),
        environment=environment(runs),
        strips=[strip for run in runs for strip in _strips(run)],
        readouts=readouts_of(runs),
        galleries=[gallery_of(run) for run in runs],
        version=__version__,
        written=time.strftime('%Y-%m-%d %H:%M'),
    )  # fmt: skip
    write_text(file, page)
    return file


def _chart(chart: curves.Chart, labels: Sequence[str], weight: float) -> dict:
    ends = [
        f'{label} from {curve[1][0]:.3g} to {curve[1][-1]:.3g}'
        for label, curve in zip(labels, chart.series) if curve is not None and len(curve[1])
    ]  # fmt: skip
    return dict(
        name=chart.name,
        group=chart.group,
        positive=chart.positive,
        logarithmic=chart.logarithmic,
        summary=f'{chart.name} over the iterations: {"; ".join(ends)}',
        svg=Markup(curves.static_svg(chart, weight)),
    )


def _strips(run: LoggedRun) -> list[dict]:
    """Pictures over time: the first pair's open, the others' folded."""
    pictures, note = pictures_over_time(run.folder)
    return [
        dict(title=f'{run.label}, pair {pair + 1}', frames=frames, note=note, first=number == 0)
        for number, (pair, frames) in enumerate(pictures.items())
    ]
