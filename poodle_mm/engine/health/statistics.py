"""Statistics of a training step that are seen from outside of the model: ranks, place, flow."""

from collections.abc import Callable, Mapping
from typing import Any

import torch
from torch import Tensor, nn

from poodle_mm.geometry.consistency import warp_image
from poodle_mm.geometry.flow_errors import grey_level_error
from poodle_mm.geometry.position_share import position_share
from poodle_mm.geometry.token_statistics import effective_rank

_VECTORS, _PAIRS, _PLACES = 512, 4, 1024  # looked at: more changes the numbers little
_LEAST = 64  # vectors below which no rank is told: it could only be low


class Observer:
    """Keeps what parts of a model gave in one step, when asked to.

    Watched are, as far as the model has them: the target network's dense and pooled projectors
    (PooDLe, FlowE, PixPro), else the projections of a ``neck`` that gives several (BYOL, DenseCL)
    and the encoder's last output; and the views of the data preprocessor. Nothing is computed in
    the step, and no tensor is changed.

    Attributes:
        active: Whether to keep what is seen.
        seen: ``'dense'`` and ``'pool'`` projections, ``'features'``, ``'views'``: what came last.
    """

    def __init__(self, model: nn.Module) -> None:
        self.active = False
        self.seen: dict[str, Any] = {}
        parts = getattr(getattr(model, 'target', None), 'module', {})
        watched: list[tuple[Any, Callable]] = [
            (getattr(model, 'data_preprocessor', None), self._views)
        ]
        if not {'dense_projector', 'pooled_projector'}.isdisjoint(dict(parts.items())):
            for name, part in parts.items():
                kind = dict(dense_projector='dense', pooled_projector='pool').get(name)
                if kind:
                    watched.append((part, self._keeper(kind)))
        else:
            watched.append((getattr(model, 'neck', None), self._neck))
            watched.append((getattr(model, 'backbone', None), self._keeper('features')))
        self._handles = [
            part.register_forward_hook(keep) for part, keep in watched if part is not None
        ]

    def close(self) -> None:
        """Stop watching."""
        for handle in self._handles:
            handle.remove()
        self.seen = {}

    def _keeper(self, name: str) -> Callable:
        def keep(_module: nn.Module, _inputs: tuple, found: Any) -> None:
            if self.active and (last := _last(found)) is not None:
                # several networks on pieces of a batch: the larger piece, the first of equals
                before = self.seen.get(name)
                if before is None or last.numel() > before.numel():
                    self.seen[name] = last.detach()

        return keep

    def _neck(self, _module: nn.Module, _inputs: tuple, found: Any) -> None:
        if self.active and isinstance(found, (tuple, list)) and found[0].dim() == 2:
            self.seen['pool'] = found[0].detach()
            if len(found) > 1 and found[1].dim() == 3:  # DenseCL: (B, C, cells)
                self.seen['dense'] = found[1].detach()

    def _views(self, _module: nn.Module, _inputs: tuple, found: Any) -> None:
        views = found.get('inputs') if isinstance(found, Mapping) else None
        if self.active and isinstance(views, Mapping):
            self.seen['views'] = views


def _last(found: Any) -> Tensor | None:
    """The last map or tokens of a module's outputs; vectors where there are none of these."""
    found = [found] if isinstance(found, Tensor) else found
    tensors = [x for x in found if isinstance(x, Tensor) and x.is_floating_point() and x.dim() > 1]
    deep = [x for x in tensors if x.dim() > 2]  # MAE also gives its mask
    return (deep or tensors or [None])[-1]


@torch.no_grad()
def step_statistics(seen: Mapping[str, Any]) -> dict[str, float]:
    """Statistics of what an :class:`Observer` has kept.

    Returns:
        Those that can be told of: ``rank_dense``, ``rank_pool``, ``rank_features``
        (:func:`~poodle_mm.geometry.token_statistics.effective_rank`); ``position_dense``
        (:func:`~poodle_mm.geometry.position_share.position_share`); ``warp_gain``.
    """
    found = {}
    for name in ('dense', 'pool', 'features'):
        if name in seen:
            vectors = _vectors(seen[name], tokens=name == 'features')
            if len(vectors) >= _LEAST and vectors.isfinite().all():
                found[f'rank_{name}'] = float(effective_rank(vectors))
    if 'dense' in seen and (share := _position(seen['dense'])) is not None:
        found['position_dense'] = share
    views = seen.get('views', {})
    if {'frames', 'flow', 'visible'} <= views.keys():
        gain = warp_gain(*(views[name][:, :_PAIRS] for name in ('frames', 'flow', 'visible')))
        if gain is not None:
            found['warp_gain'] = gain
    return found


def _vectors(features: Tensor, tokens: bool) -> Tensor:
    """At most so many unit vectors (N, C), evenly spread over images and places."""
    if features.dim() == 2:
        vectors = features
    elif tokens and features.dim() == 3:  # (B, L, C)
        vectors = features.flatten(0, 1)
    else:
        vectors = features.flatten(2).transpose(1, 2).flatten(0, 1)
    index = torch.linspace(0, len(vectors) - 1, min(_VECTORS, len(vectors)), device=vectors.device)
    return nn.functional.normalize(vectors[index.long()].float(), dim=1)


def _position(maps: Tensor) -> float | None:
    """Share of the first half's variance that the place explains: other halves are partners."""
    maps = maps[: max(len(maps) // 2, 2)].flatten(2)
    maps = maps[..., :: max(1, maps.shape[2] // _PLACES)]
    if len(maps) < 2 or not maps.isfinite().all():
        return None
    maps = nn.functional.normalize(maps.float(), dim=1)[..., None]
    try:
        return position_share(maps)
    except ValueError:  # constant: the spread tells
        return None


def warp_gain(frames: Tensor, flow: Tensor, visible: Tensor) -> float | None:
    """Share of the difference of two frames that the flow explains, over visible pixels.

    1 − e(warped) / e(as they are), e the mean absolute difference: 1 where the other frame fetched
    by the flow is this frame, 0 where it is no nearer than without the flow.

    Args:
        frames: (2, B, 3, H, W) in [0, 1].
        flow: (2, B, 2, H, W) pixels, to the other frame.
        visible: (2, B, H, W) bool.

    Returns:
        None where nothing is visible or the frames are equal.
    """
    this, other = frames.flatten(0, 1).float(), frames.flip(0).flatten(0, 1).float()
    weights = visible.flatten(0, 1).float()
    plain = (grey_level_error(this, other) * weights).sum()
    warped = (
        grey_level_error(this, warp_image(other, flow.flatten(0, 1).float())[0]) * weights
    ).sum()
    if not float(plain) > 1e-3 * float(weights.sum()):
        return None
    return float(1 - warped / plain)
