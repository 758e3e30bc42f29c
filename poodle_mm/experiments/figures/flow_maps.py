"""Figure 16: flow of several estimators side by side, a row a pair."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from poodle_mm.datasets.flow_pairs import FlowPair, FlowPairs
from poodle_mm.evaluation.flow.evaluate import resize_pair
from poodle_mm.evaluation.flow.measures import self_measures, summarise, true_measures
from poodle_mm.evaluation.flow.methods import Method
from poodle_mm.evaluation.flow.pictures import check_chosen, named_methods
from poodle_mm.experiments.figures.output import write_analysis
from poodle_mm.geometry.consistency import warp_image
from poodle_mm.visualization.contact_sheet import Cell, SheetRow, draw_sheet
from poodle_mm.visualization.images import UNKNOWN, flow_colours, flow_hues, to_images

_COLUMNS = ('valid', 'fb', 'warp', 'warp_inside', 'epe', 'fl')


def write_flow_maps(
    pairs: FlowPairs,
    methods: Sequence[str],
    out: str | Path,
    chosen: Sequence[int] = (0,),
    size: tuple[int, int] | None = None,
    work_size: tuple[int, int] | None = None,
    labels: Sequence[str] | None = None,
    device: str = 'cpu',
    dpi: int = 150,
) -> tuple[list[Path], str]:
    """Draw frames and flow maps of several pairs in one figure, and write it.

    The arguments are those of :func:`~poodle_mm.evaluation.flow.pictures.write_flow_pictures`; true
    flow has a column wherever all chosen pairs have it.

    Returns:
        The files and the text.

    Raises:
        ValueError: For a wrong method, number of a pair or number of labels.
    """
    named = named_methods(methods, labels, work_size)
    check_chosen(pairs, chosen)
    read = [pairs[index] if size is None else resize_pair(pairs[index], size) for index in chosen]
    with_truth = all(pair.flow is not None for pair in read)
    sheet, rows = [], []
    for pair in read:
        row, found = _row(pair, named, with_truth, device)
        sheet.append(row)
        rows += found
    text = 'flow to the right, down, to the left, up; white no motion; a scale for each row'
    lines = [(flow_hues(), text)]
    if with_truth:
        lines.append(((UNKNOWN,), 'true flow is unknown'))
    text = measures_text(rows)
    return write_analysis(out, draw_sheet(sheet, lines, least=4), rows, text, dpi), text


def measures_text(rows: Sequence[dict]) -> str:
    """Means of each method in a line.

    Args:
        rows: Each with ``method``, ``valid``, ``warp`` and ``epe``, None where unknown.
    """
    parts = []
    for method in dict.fromkeys(row['method'] for row in rows):
        own = [row for row in rows if row['method'] == method]
        words = []
        for key, form in (
            ('valid', '{:.0%} valid'),
            ('warp', 'warp error {:.1f} grey levels'),
            ('epe', 'EPE {:.2f} pixels'),
        ):
            known = [row[key] for row in own if row[key] is not None and np.isfinite(row[key])]
            words += [form.format(np.mean(known))] if known else []
        parts.append(f'{method}: {", ".join(words)}')
    count = len({row['pair'] for row in rows})
    return f'Means of {count} pairs. {"; ".join(parts)}.'


def _row(
    pair: FlowPair, methods: dict[str, Method], with_truth: bool, device: str
) -> tuple[SheetRow, list[dict]]:
    """Panels of a pair and its measures."""
    a, b = (
        torch.from_numpy(frame).to(device).permute(2, 0, 1)[None].float() / 255
        for frame in pair.frames
    )
    flows: dict[str, Tensor] = {}
    unknown = np.zeros(pair.frames[0].shape[:2], bool)
    if with_truth:
        unknown = ~pair.known
        flows['truth'] = torch.from_numpy(np.where(pair.known, pair.flow, 0)).float()
    rows = []
    for name, method in methods.items():
        if method.needs_truth and pair.flow is None:
            raise ValueError(f'flow method {method.name} needs true flow; {pair.name} has none')
        flow, back = method(a, b, pair)
        flows[name] = flow[0].cpu()
        found = self_measures(a, b, flow, back)
        if pair.flow is not None:
            truth, known, visible = (
                None if x is None else torch.from_numpy(x).to(device)[None]
                for x in (pair.flow, pair.known, pair.visible)
            )
            found |= summarise(true_measures(flow, back, truth, known, visible))
        measures = {key: found.get(key) for key in _COLUMNS}
        rows.append(dict(pair=pair.name, method=name, **measures))
    # truth that leaves the frame is the fastest, and next to nothing finds it
    exact = [flow for name, flow in flows.items() if name == 'truth']
    lengths = [_length_inside(b.cpu(), flow, ~unknown) for flow in exact or flows.values()]
    fastest = max(*lengths, 1e-3)
    frames = to_images(torch.cat([a, b]).cpu())
    cells = [Cell(image, title) for image, title in zip(frames, ('t', 't+Δ'))]
    for name, flow in flows.items():
        colours = flow_colours(flow[None], torch.tensor(fastest))[0]
        if name == 'truth':
            colours[unknown] = [round(255 * x) for x in UNKNOWN]
        cells.append(Cell(colours, name))
    return SheetRow(cells, f'{pair.name}   full colour from {fastest:.1f} pixels on'), rows


def _length_inside(frame: Tensor, flow: Tensor, known: np.ndarray) -> float:
    """The 95th percentile of the lengths of a flow (2, H, W) that ends inside of a frame."""
    inside = warp_image(frame, flow[None])[1][0].numpy() & known
    lengths = flow.norm(dim=0).numpy()[inside]
    return float(np.quantile(lengths, 0.95)) if len(lengths) else 0.0
