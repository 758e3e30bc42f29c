"""Pictures of estimators side by side on pairs of frames (the paper's figure 16)."""

from collections.abc import Mapping, Sequence
from pathlib import Path

import torch
from matplotlib.figure import Figure

from poodle_mm.datasets.flow_pairs import FlowPair, FlowPairs
from poodle_mm.evaluation.flow.evaluate import resize_pair
from poodle_mm.evaluation.flow.methods import TRUTH, Method, build_methods
from poodle_mm.geometry.consistency import warp_image
from poodle_mm.geometry.occlusion import visible_mask
from poodle_mm.utils.files import replacing
from poodle_mm.visualization.flow_figure import FlowView, draw_flows

_CHECK = "by PooDLe's forward–backward check"


def write_flow_pictures(
    pairs: FlowPairs,
    methods: Sequence[str],
    out: str | Path,
    chosen: Sequence[int] = (0,),
    size: tuple[int, int] | None = None,
    work_size: tuple[int, int] | None = None,
    labels: Sequence[str] | None = None,
    device: str = 'cpu',
    dpi: int = 150,
) -> dict[Path, str]:
    """Draw estimators side by side, a file for each pair.

    Args:
        pairs: Pairs of a data set, or one of files.
        methods: Specs of :class:`~poodle_mm.evaluation.flow.methods.Method`; true flow is a row of
            its own wherever it is known.
        out: Picture to be written, PNG, PDF or another format of matplotlib by its ending; of
            several pairs each has its number behind the name.
        chosen: Numbers of the pairs.
        size: (H, W) to which the frames are resized; None: as they are.
        work_size: (h, w) at which the estimators work.
        labels: Names of the rows; default: the methods, weights by folder and name.
        device: Where the estimators work.
        dpi: Pixels per inch of the picture, which is 14 inches wide.

    Returns:
        Files to the names of their pairs.

    Raises:
        ValueError: For a wrong method, number of a pair or number of labels, or a method that needs
            truth on a pair that has none.
    """
    named = named_methods(methods, labels, work_size)
    check_chosen(pairs, chosen)
    out, written = Path(out), {}
    for index in chosen:
        pair = pairs[index] if size is None else resize_pair(pairs[index], size)
        figure = draw_flow_pair(pair, named, device)
        path = out if len(chosen) == 1 else out.with_name(f'{out.stem}_{index:03d}{out.suffix}')
        with replacing(path) as temporary:
            figure.savefig(temporary, dpi=dpi)
        written[path] = pair.name
    return written


def named_methods(
    methods: Sequence[str],
    labels: Sequence[str] | None = None,
    work_size: tuple[int, int] | None = None,
) -> dict[str, Method]:
    """Methods by the names of their rows; the truth is none of them.

    Args:
        methods, labels, work_size: Arguments of :func:`write_flow_pictures`.

    Raises:
        ValueError: For a wrong method or number of labels.
    """
    methods = [method for method in methods if method != TRUTH]
    built = build_methods(methods, work_size)
    labels = [_label(spec) for spec in methods] if labels is None else labels
    if len(labels) != len(methods):
        raise ValueError(f'{len(labels)} labels for {len(methods)} methods')
    return dict(zip(labels, built.values()))


def check_chosen(pairs: FlowPairs, chosen: Sequence[int]) -> None:
    """Refuse numbers of pairs that there are not."""
    for index in chosen:
        if not 0 <= index < len(pairs):
            raise ValueError(f'there is no pair {index}: they are 0 to {len(pairs) - 1}')


def draw_flow_pair(pair: FlowPair, methods: Mapping[str, Method], device: str = 'cpu') -> Figure:
    """Draw flow from the first frame to the second, true flow first.

    Args:
        pair: The pair.
        methods: Name to method.
        device: Where the estimators work.

    Raises:
        ValueError: If a method needs truth that the pair does not have.
    """
    frames = torch.stack([torch.from_numpy(x).permute(2, 0, 1) for x in pair.frames]).float() / 255
    truth, known, seen = (
        None if x is None else torch.from_numpy(x) for x in (pair.flow, pair.known, pair.visible)
    )
    views = []
    if truth is not None:
        landed = warp_image(frames[1:], torch.where(known, truth, 0)[None])[1][0]
        visible = known & landed if seen is None else known & seen
        shown = torch.where(known, truth, torch.nan)
        views.append(FlowView('truth', frames, shown, visible, truth, known))
    a, b = frames[:, None].to(device)
    for name, method in methods.items():
        if method.needs_truth and truth is None:
            raise ValueError(f'flow method {method.name} needs true flow; {pair.name} has none')
        flow, back = method(a, b, pair)
        visible = visible_mask(flow, back)
        views.append(FlowView(name, frames, flow[0], visible[0], truth, known))
    check = _CHECK
    if truth is not None:
        check += f'; truth: {"only what leaves the frame" if seen is None else "exact"}'
    return draw_flows(views, visible=check)


def _label(spec: str) -> str:
    """A method's name and, in brackets, its file and the folder around it."""
    name, _, weights = spec.partition('=')
    return f'{name} ({"/".join(Path(weights).with_suffix("").parts[-2:])})' if weights else name
