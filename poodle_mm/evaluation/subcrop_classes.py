"""What classes the subcrops show, by how their centres are drawn."""

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor

from poodle_mm.catalog import CATALOG
from poodle_mm.datasets.labelled_pairs import LabelledPair, labelled_pairs
from poodle_mm.datasets.transforms.crop import PairRandomCrop, crop_nearest
from poodle_mm.evaluation.class_groups import class_groups, class_shares
from poodle_mm.flow.dis import DISFlow
from poodle_mm.geometry.box_sums import box_shares
from poodle_mm.geometry.boxes import cell_grid
from poodle_mm.geometry.occlusion import visible_mask
from poodle_mm.utils.files import replacing
from poodle_mm.utils.progress import Progress
from poodle_mm.utils.tables import markdown_table, spread
from poodle_mm.views.motion_prior import RESIDUALS
from poodle_mm.views.subcrops import FlowSubcrops
from poodle_scenes.flow import exact_flow

FLOWS = ('dis', 'exact')
HIT = 0.05
"""A subcrop shows a group of classes if this share of it does (the paper's appendix C)."""
MOVERS = {
    *('person', 'rider', 'car', 'truck', 'bus', 'train', 'motorcycle', 'bicycle'),
    *('pedestrian', 'bicyclist'),
}
"""Classes of the street's data sets and of CamVid that can move."""


class Crops(NamedTuple):
    """Labelled crops of a batch of pairs, as a pretraining cuts them."""

    frames: Tensor  # (2, B, 3, H, W) float32 in [0, 1]
    labels: Tensor  # (2, B, H, W) uint8, 255: no class
    flow: Tensor  # (2, B, 2, H, W) float32 pixels, [0] t to t + Δ, [1] back
    visible: Tensor  # (2, B, H, W) bool


def labelled_crops(
    pairs: Sequence[LabelledPair],
    crop: PairRandomCrop,
    flow: str = 'dis',
    seed: int = 0,
    batch_size: int = 32,
) -> Iterator[Crops]:
    """Crop each pair as ``crop`` does, frames and labels at the same place.

    Args:
        pairs: Pairs of labelled frames.
        crop: The crop; its draws come from seed and place of the pair.
        flow: ``'dis'``, or ``'exact'`` for scenes.
        seed: Seed of the crops.
        batch_size: Pairs of a batch.

    Raises:
        ValueError: For another flow, or exact flow of real frames.
    """
    if flow not in FLOWS:
        raise ValueError(f'flow must be one of {", ".join(FLOWS)}, got {flow!r}')
    if flow == 'exact' and any(pair.scene is None for pair in pairs):
        raise ValueError('only the synthetic scenes have exact flow: leave it away')
    dis = DISFlow(preset='fast')
    for start in range(0, len(pairs), batch_size):
        items = []
        for index, pair in enumerate(pairs[start : start + batch_size], start):
            images, labels = pair.read()
            rng = np.random.default_rng((seed, index))
            item = dict(
                frames=images, ori_shape=images[0].shape[:2], frame_ids=pair.frames, rng=rng
            )
            item = crop.transform(item)
            box = item['crop_box']
            item['labels'] = np.stack([crop_nearest(label, box, crop.size) for label in labels])
            if flow == 'exact':
                *both, visible, back = exact_flow(pair.scene, *pair.frames, box, crop.size)
                item.update(flow=np.stack(both), visible=np.stack([visible, back]))
            items.append(item)
        frames = torch.from_numpy(np.stack([np.stack(item['frames']) for item in items], axis=1))
        frames = frames.permute(0, 1, 4, 2, 3) / 255
        labels = torch.from_numpy(np.stack([item['labels'] for item in items], axis=1))
        if flow == 'exact':
            flows, visible = (
                torch.from_numpy(np.stack([item[key] for item in items], axis=1))
                for key in ('flow', 'visible')
            )
        else:
            flows = torch.stack(dis(*frames))
            visible = torch.stack([visible_mask(*flows), visible_mask(*flows.flip(0))])
        yield Crops(frames, labels, flows, visible)


def subcrop_shares(
    crops: Sequence[Crops], subcrops: FlowSubcrops, num_classes: int, seed: int = 0
) -> tuple[Tensor, float]:
    """Share of each class in every subcrop of both directions and roles.

    Args:
        crops: Batches of labelled crops.
        subcrops: The sampler.
        num_classes: C.
        seed: Seed of the draws; other samplers get the same uniform numbers from it.

    Returns:
        (S, C) float64, a row a subcrop, and the share of pairs without a valid centre.
    """
    shares, fallbacks, start = [], [], 0
    for batch in crops:
        count = batch.labels.shape[1]
        pairs = subcrops.pairs(
            batch.flow, [_generator(seed, start + i) for i in range(count)], batch.visible
        )
        start += count
        # by image: all boxes of an image are looked up in one table
        images, boxes = pairs.images().flatten(0, 2), pairs.boxes.flatten(0, 2)
        labels = batch.labels.flatten(0, 1)
        found = torch.empty(*images.shape, num_classes, dtype=torch.float64)
        for image, label in enumerate(labels):
            here = images == image
            found[here] = box_shares(label[None], boxes[here][None], num_classes)[0]
        shares.append(found.flatten(0, 1))
        fallbacks.append(pairs.fallback.float().flatten())
    return torch.cat(shares), torch.cat(fallbacks).mean().item()


def measure_subcrops(
    pairs: Sequence[LabelledPair],
    samplers: Mapping[str, FlowSubcrops],
    classes: Sequence[str],
    crop: PairRandomCrop,
    flows: Sequence[str] = ('dis',),
    seeds: Sequence[int] = (0, 1, 2),
) -> dict:
    """Classes in the subcrops of each sampler, on the same crops and with the same draws.

    Args:
        pairs: Pairs of labelled frames.
        samplers: Names to samplers.
        classes: Names of the classes; their groups are those of the crops' labels.
        crop: The crop of the pretraining.
        flows: Names of ``FLOWS``.
        seeds: A seed draws crops and subcrops.

    Returns:
        What a JSON file holds: ``groups``, names to class names, ``pixels``, the shares in the
        crops, percent by seed, and ``subcrops``, for each flow and sampler ``share`` and ``hit``
        by group, ``classes``, and ``fallback``, percent by seed.
    """
    groups: dict[str, list[int]] = {}
    pixels: dict[str, list[float]] = {}
    found: dict[str, dict] = {}
    for flow in flows:
        for seed in Progress(seeds, desc=flow, unit='seed', leave=False):
            crops = [*labelled_crops(pairs, crop, flow, seed)]
            labels = [label.numpy() for batch in crops for label in batch.labels.flatten(0, 1)]
            if not groups:
                groups = class_groups(*class_shares(labels, len(classes)))
                groups['movers'] = [i for i, name in enumerate(classes) if name in MOVERS]
            if flow == flows[0]:
                whole = torch.tensor([[0.0, 0.0, crop.size[1], crop.size[0]]])
                shares = box_shares(
                    torch.from_numpy(np.stack(labels)),
                    whole.expand(len(labels), 1, 4),
                    len(classes),
                ).mean(dim=(0, 1))
                for name, ids in groups.items():
                    pixels.setdefault(name, []).append(100 * shares[ids].sum().item())
            for name, sampler in samplers.items():
                shares, fallback = subcrop_shares(crops, sampler, len(classes), seed)
                result = found.setdefault(
                    f'{flow} {name}', dict(share={}, hit={}, classes={}, fallback=[])
                )
                result['fallback'].append(100 * fallback)
                for group, ids in groups.items():
                    own = shares[:, ids].sum(dim=1)
                    hit = (own >= HIT).double().mean()
                    result['share'].setdefault(group, []).append(100 * own.mean().item())
                    result['hit'].setdefault(group, []).append(100 * hit.item())
                for label, share in zip(classes, shares.mean(dim=0).tolist()):
                    result['classes'].setdefault(label, []).append(100 * share)
    names = {group: [classes[i] for i in ids] for group, ids in groups.items()}
    return dict(groups=names, pixels=pixels, pairs=len(pairs), seeds=[*seeds], subcrops=found)


def compare_samplers(
    data: str,
    root: str | Path,
    split: str = 'train',
    seconds: tuple[float, float] = (0.5, 1.0),
    flows: Sequence[str] = ('dis',),
    seeds: Sequence[int] = (0, 1, 2),
    prior: Mapping | None = None,
    most: int | None = None,
    picture: str | Path | None = None,
) -> dict:
    """Subcrops of the small configs: cells alike, and by the residuals of a motion prior.

    Args:
        data, root, split, seconds: Arguments of
            :func:`~poodle_mm.datasets.labelled_pairs.labelled_pairs`.
        flows, seeds: See :func:`measure_subcrops`.
        prior: Arguments of :class:`~poodle_mm.views.motion_prior.MotionPrior` but ``residual``.
        most: Largest number of pairs, evenly spread; None: all.
        picture: Picture to be written, of the first pairs with the first flow; or None.

    Returns:
        See :func:`measure_subcrops`.
    """
    pairs = labelled_pairs(data, root, split, seconds)
    if most is not None and most < len(pairs):
        pairs = [pairs[int((i + 0.5) * len(pairs) / most)] for i in range(most)]
    size, short_side = (96, 192), 192 if data == 'camvid' else 144
    crop = PairRandomCrop(size=size, scale=(0.75, 1.25), short_side=short_side)
    usual = dict(num=4, size=48, area=(0.05, 0.3), target_area='above-online')
    samplers = {'cells alike': FlowSubcrops(**usual)}
    for residual in RESIDUALS:
        samplers[residual] = FlowSubcrops(**usual, motion=dict(prior or {}, residual=residual))
    if picture:
        spread_out = pairs[:: max(1, len(pairs) // 4)][:4]
        (crops,) = labelled_crops(spread_out, crop, flows[0], seeds[0])
        write_prior_picture(crops, samplers, picture)
    return measure_subcrops(pairs, samplers, CATALOG[data].classes, crop, flows, seeds)


def write_prior_picture(
    crops: Crops, samplers: Mapping[str, FlowSubcrops], path: str | Path, seed: int = 0
) -> None:
    """Draw frames t, their flow, and each sampler's weights and online boxes.

    Args:
        crops: A batch; its pairs are the rows.
        samplers: Names to samplers.
        path: Picture to be written.
        seed: Seed of the draws.
    """
    from poodle_mm.visualization.subcrop_prior import draw_priors  # matplotlib takes a second

    weights, boxes = {}, {}
    for name, sampler in samplers.items():
        generators = [_generator(seed, i) for i in range(crops.labels.shape[1])]
        boxes[name] = sampler.pairs(crops.flow, generators, crops.visible).boxes[0, 0]
        weights[name] = sampler.motion and sampler.motion.weights(
            crops.flow[0],
            crops.visible[0],
            cell_grid(crops.flow.shape[-2:], sampler.area, sampler.extra_cells),
        )
    figure = draw_priors(crops.frames[0], crops.flow[0], weights, boxes)
    with replacing(path) as temporary:
        figure.savefig(temporary, format=Path(path).suffix[1:] or 'png', dpi=110)


def subcrop_table(result: dict) -> str:
    """The shares of :func:`measure_subcrops` as a Markdown table, mean ± std over seeds."""
    groups = ('small', 'rare', 'movers')
    head = ['centres', *(f'{g}, % of area' for g in groups), *(f'{g}, % hit' for g in groups)]
    rows = [['whole crop', *(spread(result['pixels'][g], 2) for g in groups), *['–'] * len(groups)]]
    for name, measured in result['subcrops'].items():
        cells = [spread(measured['share'][g], 2) for g in groups]
        rows.append([name, *cells, *(spread(measured['hit'][g]) for g in groups)])
    lines = [f'{g}: {", ".join(result["groups"][g]) or "none"}' for g in groups]
    head.append('% without a valid centre')
    rows[0].append('–')
    for row, measured in zip(rows[1:], result['subcrops'].values()):
        row.append(spread(measured['fallback']))
    return '\n'.join([markdown_table(head, rows), '', *lines])


def _generator(*numbers: int) -> torch.Generator:
    state = np.random.SeedSequence(numbers).generate_state(1, np.uint64)
    return torch.Generator().manual_seed(int(state[0] >> np.uint64(1)))
