"""Bars of the classes' IoU, small and large ones apart, and of the groups' means (Table 6)."""

from collections.abc import Mapping, Sequence

from matplotlib import colormaps
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from poodle_mm.visualization.panels import WIDTH

Bar = tuple[float | None, float | None, Sequence[float]]
"""Mean, spread and single values; None where there is none."""


def draw_class_bars(
    panels: Mapping[str, Sequence[str]],
    scores: Mapping[str, Mapping[str, Bar]],
    quoted: Sequence[str] = (),
    numbered: str | None = None,
    caption: str = '',
) -> Figure:
    """Draw a panel a set of classes, in which each run has a bar a class.

    Args:
        panels: Title of a panel to what stands along its axis.
        scores: Name of a run to what is along the axes to its bar, in percent.
        quoted: Runs that were not measured here; theirs are hatched.
        numbered: Panel in which the values stand above the bars.
        caption: Below all.
    """
    figure = Figure(
        figsize=(WIDTH, 2.9 * len(panels) + 0.9), layout='constrained', facecolor='white'
    )
    axes = figure.subplots(len(panels), 1, squeeze=False)[:, 0]
    for axis, (title, places) in zip(axes, panels.items()):
        for number, (run, own) in enumerate(scores.items()):
            bars = [own.get(place, (None, None, ())) for place in places]
            _draw_run(axis, number, len(scores), bars, run, run in quoted, title == numbered)
        axis.set_xticks(range(len(places)), places, fontsize=9)
        axis.set_xlim(-0.5, len(places) - 0.5)
        axis.set_ylim(0, None)
        axis.set_ylabel('IoU, percent', fontsize=9)
        axis.set_title(title, loc='left', fontsize=10, color='#333333')
        axis.grid(axis='y', color='#e5e5e5')
        axis.set_axisbelow(True)
        axis.spines[['top', 'right']].set_visible(False)
    handles, names = axes[0].get_legend_handles_labels()
    figure.legend(handles, names, loc='outside upper left', ncols=min(5, len(names)), frameon=False)
    figure.supxlabel(caption, x=0.01, ha='left', fontsize=9, color='#333333')
    return figure


def _draw_run(
    axis: Axes, number: int, count: int, bars: Sequence[Bar], run: str, quoted: bool, named: bool
) -> None:
    width = 0.84 / count
    colour = colormaps['tab10'](number % 10)
    look = dict(color='white', edgecolor=colour, hatch='////') if quoted else dict(color=colour)
    places = [k - 0.42 + (number + 0.5) * width for k in range(len(bars))]
    axis.bar(places, [mean or 0 for mean, _, _ in bars], 0.92 * width, label=run, **look)
    for place, (mean, std, values) in zip(places, bars):
        if mean is None:
            axis.text(place, 0, '–', ha='center', va='bottom', fontsize=8, color=colour)
            continue
        if std is not None:
            axis.errorbar(place, mean, std, color='#222222', linewidth=1, capsize=2)
            axis.plot([place] * len(values), values, '.', color='#222222', markersize=3)
        if named:
            axis.annotate(
                f'{mean:.1f}',
                (place, mean + (std or 0)),
                xytext=(0, 2),
                textcoords='offset points',
                ha='center',
                fontsize=8,
            )
