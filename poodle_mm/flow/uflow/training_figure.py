"""Pictures of the pairs that flow is learned from."""

from collections.abc import Iterator

import torch
from matplotlib.figure import Figure
from torch import nn

from poodle_mm.flow.uflow.estimator import upsample_flow
from poodle_mm.flow.uflow.objectives import visibility
from poodle_mm.visualization.flow_figure import FlowView, draw_flows

_NAMES = ('t', 't+Δ')


@torch.no_grad()
def draw_training_pairs(model: nn.Module, batch: dict, iteration: int) -> Iterator[Figure]:
    """Draw the pairs of a batch as the losses see them, both ways.

    The frames are mirrored as in training, the network sees them in the colours that are drawn, and
    occluded is what takes no part in the losses at this point of the training. Exact flow, where
    the samples have it, is a row of its own.

    Args:
        model: A ``UFlowTraining``; levels are not dropped here.
        batch: ``dict(inputs=uint8 (B, 2, 3, H, W), data_samples=[...])`` from the dataloader.
        iteration: Number of iterations that the model has been trained.

    Yields:
        A figure for each pair.
    """
    views = model.data_preprocessor(batch, True)['inputs']
    frames = views['frames']
    flow = upsample_flow(model.network.flows(*views['augmented'])[-1], frames.shape[-2:])
    kind, *alphas = model.occlusion_now()
    visible = visibility(flow, kind, *alphas).unflatten(0, frames.shape[:2])
    flow = flow.unflatten(0, frames.shape[:2])
    how = dict(forward_backward=f'forward–backward, {alphas[0]} and {alphas[1]}').get(kind, kind)
    how = (
        f'as the losses have it after iteration {iteration}: {how or "only what leaves the frame"}'
    )
    how += '; truth: exact' if 'visible' in views else ''
    for index in range(frames.shape[1]):
        rows = []
        for way in (0, 1):
            shown = frames[[way, 1 - way], index]
            names, truth = (_NAMES[way], _NAMES[1 - way]), None
            title = f'flow from {names[0]} to {names[1]}'
            if 'flow' in views:
                truth = views['flow'][way, index]
                truth = truth.masked_fill(truth.norm(dim=0) > model.supervision['limit'], torch.nan)
            parts = (shown, flow[way, index], visible[way, index], truth)
            rows.append(FlowView(title, *parts, names=names))
            if truth is not None:
                seen = views['visible'][way, index] if 'visible' in views else truth[0].isfinite()
                rows.append(FlowView(f'{title}: truth', shown, truth, seen, truth, names=names))
        yield draw_flows(rows, {'t as the network sees it': views['augmented'][0, index]}, how)
