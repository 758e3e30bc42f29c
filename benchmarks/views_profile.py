"""Profile of the views."""

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor

from benchmarks.timing import wall_seconds
from poodle_mm.datasets.frame_pair_sample import FramePairSample
from poodle_mm.geometry.affine import warp_affine
from poodle_mm.geometry.occlusion import visible_mask
from poodle_mm.views import FramePairPreprocessor
from poodle_mm.views.distort import Distortion

COLOURS = ('brightness', 'contrast', 'saturation', 'hue')


def profile_of_parts(views: FramePairPreprocessor, inputs: Tensor, draws: list, device: str) -> str:
    """Time of each part alone, on the draws that were measured."""
    spent: dict[str, float] = {}
    for samples in draws:
        for part, operation in _parts(views, inputs, samples).items():
            spent[part] = spent.get(part, 0.0) + wall_seconds(operation, device)
    for part in (*COLOURS, 'grayscale', 'blur'):
        spent[part] -= spent['copy']
    per_pair = {part: 1e3 * s / len(draws) / len(inputs) for part, s in spent.items()}
    ordered = sorted(per_pair.items(), key=lambda item: -item[1])
    return 'Parts alone, ms a pair: ' + ', '.join(f'{part} {ms:.2f}' for part, ms in ordered)


def _parts(
    views: FramePairPreprocessor, inputs: Tensor, samples: list[FramePairSample]
) -> dict[str, Callable[[], Any]]:
    """The work on one batch, a part at a time."""
    frames = inputs.transpose(0, 1).float().flatten(0, 1).div_(255)
    size = tuple(frames.shape[-2:])
    generators = [torch.Generator().manual_seed(sample.seed) for sample in samples]
    pairs = [views.photometric.draw(g) for g in generators]
    maps = torch.stack([views.affine.draw(g, size) for g in generators], 1).flatten(0, 1)
    maps = maps.to(frames.device)
    flow = views.flow(*frames.chunk(2))
    places = [views.subcrops.draw(g, size) for g in generators]
    boxes = views.subcrops.boxes(places, flow[1])[0].flatten(0, 1)  # half of those of a step

    def distort(only: Callable[[Distortion], Distortion]) -> Callable[[], Tensor]:
        chosen = [only(pair[i]) for i in (0, 1) for pair in pairs]
        return lambda: views.photometric.apply(frames, chosen)

    parts = {
        name: distort(lambda d, name=name: Distortion(tuple(j for j in d.jitter if j[0] == name)))
        for name in COLOURS
    }
    return parts | {
        'grayscale': distort(lambda d: Distortion(grayscale=d.grayscale)),
        'blur': distort(lambda d: Distortion(sigma=d.sigma)),
        'copy': distort(lambda d: Distortion()),
        'draws': lambda: [
            part.draw(g, *more)
            for g in generators
            for part, *more in ((views.photometric,), (views.affine, size), (views.subcrops, size))
        ],
        'boxes': lambda: views.subcrops.boxes(places, flow[1]),
        'subcrops': lambda: views.subcrops.cut(frames, boxes),
        'affine': lambda: warp_affine(frames, maps),
        'visible mask': lambda: [visible_mask(*flow), visible_mask(*reversed(flow))],
        'to float': lambda: inputs.transpose(0, 1).float().div_(255),
        'normalise': lambda: frames.clone().sub_(views.mean).div_(views.std),
    }
