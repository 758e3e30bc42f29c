"""One table of several estimators on the pairs of a data set."""

import time
from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from poodle_mm.datasets.flow_pairs import FlowPair, open_flow_pairs
from poodle_mm.datasets.transforms.crop import crop_nearest, crop_resize
from poodle_mm.evaluation.flow.measures import self_measures, summarise, true_measures
from poodle_mm.evaluation.flow.methods import Method, build_methods
from poodle_mm.utils.files import write_json
from poodle_mm.utils.progress import Progress
from poodle_mm.utils.tables import markdown_table

COLUMNS = dict(
    epe='EPE',
    fl='Fl-all %',
    epe_visible='EPE visible',
    epe_hidden='EPE occluded',
    occlusion_f1='occlusion F1',
    valid='valid %',
    fb='there and back',
    warp='warp',
    warp_inside='warp, all inside',
    ms='ms',
    cpu_ms='CPU ms',
)
_PERCENT = ('fl', 'valid')


def evaluate_flow(
    data: str,
    root: str | Path,
    methods: Sequence[str],
    size: tuple[int, int] | None = None,
    work_size: tuple[int, int] | None = None,
    max_pairs: int | None = None,
    device: str = 'cpu',
    out: str | Path | None = None,
    **options,
) -> dict[str, dict[str, float]]:
    """Measure estimators on a data set and print a table.

    Args:
        data, root, options: Arguments of :func:`~poodle_mm.datasets.flow_pairs.open_flow_pairs`.
        methods: Specs of :class:`~poodle_mm.evaluation.flow.methods.Method`.
        size: (H, W) to which the frames are resized; errors are in its pixels. None: as they are.
        work_size: (h, w) at which the estimators work; the flow is brought back.
        max_pairs: Number of pairs, evenly spread over the data; None: all.
        device: Device of the frames.
        out: File for the figures as JSON; None: none.

    Returns:
        Method to column to figure: those of ``COLUMNS``; true measures are means over pixels, the
        others over pairs; times are medians.

    Raises:
        ValueError: For a wrong name, or a method that needs truth on data that has none.
    """
    pairs = open_flow_pairs(data, root, **options).spread(max_pairs)
    built = build_methods(methods, work_size)
    for spec, method in built.items():
        if method.needs_truth and data == 'clips':
            raise ValueError(f'flow method {spec} needs true flow, which clips do not have')
    sums: dict[str, Counter] = defaultdict(Counter)
    each: dict[str, dict[str, list[float]]] = defaultdict(lambda: defaultdict(list))
    for index in Progress(range(len(pairs)), desc='flow', unit='pair'):
        pair = pairs[index] if size is None else resize_pair(pairs[index], size)
        a, b = (
            torch.from_numpy(frame).to(device).permute(2, 0, 1)[None].float() / 255
            for frame in pair.frames
        )
        for spec, method in built.items():
            (flow, back), seconds, cpu_seconds = _timed(method, a, b, pair, warm=index == 0)
            found = self_measures(a, b, flow, back)
            if method.estimator is not None:
                found |= dict(ms=1e3 * seconds, cpu_ms=1e3 * cpu_seconds)
            for key, value in found.items():
                each[spec][key].append(value)
            if pair.flow is not None:
                truth, known, visible = (
                    None if x is None else torch.from_numpy(x).to(device)[None]
                    for x in (pair.flow, pair.known, pair.visible)
                )
                sums[spec].update(true_measures(flow, back, truth, known, visible))
    results = {}
    for spec in built:
        results[spec] = summarise(sums[spec]) if sums[spec] else {}
        for key, values in each[spec].items():
            middle = np.nanmedian if key in ('ms', 'cpu_ms') else np.nanmean
            results[spec][key] = float(middle(values))
    print(flow_table(results))
    if out:
        clean = {s: {k: v for k, v in r.items() if np.isfinite(v)} for s, r in results.items()}
        write_json(out, dict(data=data, pairs=len(pairs), size=size, methods=clean), indent=1)
    return results


def flow_table(results: Mapping[str, Mapping[str, float]]) -> str:
    """Markdown of :func:`evaluate_flow`'s result; columns that no method has are left out."""
    columns = [key for key in COLUMNS if any(key in row for row in results.values())]
    rows = []
    for spec, row in results.items():
        cells = [f'`{spec}`']
        for key in columns:
            value = row.get(key, float('nan')) * (100 if key in _PERCENT else 1)
            digits = 0 if key.endswith('ms') else 1 if key in _PERCENT else 2
            cells.append(f'{value:.{digits}f}' if np.isfinite(value) else '–')
        rows.append(cells)
    return markdown_table(['flow', *(COLUMNS[key] for key in columns)], rows)


def resize_pair(pair: FlowPair, size: tuple[int, int]) -> FlowPair:
    """A pair at another size; flow and masks of the nearest pixel, so that none is made up."""
    if min(size) < 1:
        raise ValueError(f'size is (height, width), at least 1 pixel each, got {tuple(size)}')
    height, width = pair.frames[0].shape[:2]
    box = (0, 0, width, height)
    scale = np.float32([size[1] / width, size[0] / height])[:, None, None]

    def nearest(x: np.ndarray | None) -> np.ndarray | None:
        return None if x is None else crop_nearest(x, box, size)

    def rescaled(flow: np.ndarray | None) -> np.ndarray | None:
        return None if flow is None else np.stack([nearest(part) for part in flow]) * scale

    return replace(
        pair,
        frames=tuple(crop_resize(frame, box, size) for frame in pair.frames),
        flow=rescaled(pair.flow),
        back=rescaled(pair.back),
        known=nearest(pair.known),
        visible=nearest(pair.visible),
    )


def _timed(
    method: Method, a: Tensor, b: Tensor, pair: FlowPair, warm: bool
) -> tuple[tuple[Tensor, Tensor], float, float]:
    """Flow, seconds and this process's CPU seconds."""
    if warm:
        method(a, b, pair)  # weights are read, buffers made
    if a.is_cuda:
        torch.cuda.synchronize()
    start, cpu_start = time.perf_counter(), time.process_time()
    flows = method(a, b, pair)
    if a.is_cuda:
        torch.cuda.synchronize()
    return flows, time.perf_counter() - start, time.process_time() - cpu_start
