"""Measures of the flow of one pair."""

import torch
from torch import Tensor

from poodle_mm.geometry.consistency import flow_mismatch, warp_image
from poodle_mm.geometry.flow_errors import endpoint_error, grey_level_error, is_outlier
from poodle_mm.geometry.occlusion import visible_mask


def warp_error(a: Tensor, b: Tensor, flow: Tensor, mask: Tensor | None = None) -> float:
    """Mean difference of a frame and the other one warped onto it, in grey levels (0 to 255).

    Args:
        a: (1, 3, H, W) in [0, 1].
        b: The other frame.
        flow: (1, 2, H, W) from a to b.
        mask: (1, H, W) bool, pixels that count; None: those that land inside.

    Returns:
        Mean over these pixels and the three colours; NaN if there are none.
    """
    warped, landed = warp_image(b, flow)
    error = grey_level_error(a, warped)
    return float(error[landed if mask is None else mask].mean())


def self_measures(a: Tensor, b: Tensor, flow: Tensor, back: Tensor | None) -> dict[str, float]:
    """What flow says of itself, without truth.

    Args:
        a: (1, 3, H, W) frame t in [0, 1].
        b: Frame t + Δ.
        flow: (1, 2, H, W) from a to b, pixels.
        back: From b to a; None: unknown, which leaves only ``warp_inside``.

    Returns:
        ``valid``: share of the pixels that land inside and are not occluded by PooDLe's check;
        ``fb``: median miss in pixels of the way there and back, of pixels that land inside;
        ``warp``: :func:`warp_error` of the valid pixels, ``warp_inside`` of all that land inside.
    """
    if back is None:
        return dict(warp_inside=warp_error(a, b, flow))
    visible = visible_mask(flow, back)
    mismatch, landed = flow_mismatch(flow, back)
    miss = mismatch.sqrt()[landed]
    return dict(
        valid=float(visible.float().mean()),
        fb=float(miss.median()) if len(miss) else float('nan'),
        warp=warp_error(a, b, flow, visible),
        warp_inside=warp_error(a, b, flow),
    )


def true_measures(
    flow: Tensor, back: Tensor | None, truth: Tensor, known: Tensor, visible: Tensor | None
) -> dict[str, float]:
    """Sums over the pixels of a pair whose true flow is known, to be added up over pairs.

    Args:
        flow: (1, 2, H, W) from a to b, pixels.
        back: From b to a; None: unknown, so that there is no occlusion check.
        truth: (1, 2, H, W).
        known: (1, H, W) bool.
        visible: (1, H, W) bool, seen in frame b; None: unknown.

    Returns:
        ``epe`` (sum), ``fl`` (number) and ``pixels`` of all known pixels; ``epe_visible``,
        ``visible``, ``epe_hidden``, ``hidden`` of both kinds; ``hits``, ``found`` and ``hidden`` of
        the occlusion check: hidden is what is covered or leaves the frame.
    """
    error = torch.where(known, endpoint_error(flow, truth), 0)
    sums = dict(epe=error.sum(), fl=(is_outlier(error, truth) & known).sum(), pixels=known.sum())
    if visible is not None:
        hidden, seen = known & ~visible, known & visible
        sums |= dict(epe_visible=error[seen].sum(), visible=seen.sum())
        sums |= dict(epe_hidden=error[hidden].sum(), hidden=hidden.sum())
        if back is not None:
            found = known & ~visible_mask(flow, back)
            sums |= dict(hits=(found & hidden).sum(), found=found.sum())
    return {key: float(value) for key, value in sums.items()}


def summarise(sums: dict[str, float]) -> dict[str, float]:
    """Means of the sums of :func:`true_measures`, per pixel over all pairs.

    Returns:
        ``epe``, ``epe_visible``, ``epe_hidden`` in pixels, ``fl`` as a share, and ``occlusion_f1``.
    """

    def ratio(part: str, whole: str) -> float:
        return sums[part] / sums[whole] if sums.get(whole) else float('nan')

    means = dict(epe=ratio('epe', 'pixels'), fl=ratio('fl', 'pixels'))
    if 'visible' in sums:
        means['epe_visible'] = ratio('epe_visible', 'visible')
        means['epe_hidden'] = ratio('epe_hidden', 'hidden')
    if 'found' in sums:
        both = sums['found'] + sums['hidden']
        means['occlusion_f1'] = 2 * sums['hits'] / both if both else float('nan')
    return means
