"""Which pixels of one frame are seen in the other (DDFlow's forward-backward check)."""

from torch import Tensor

from poodle_mm.geometry.warp import inside, pixel_grid, sample_bilinear


def occlusion_mask(
    flow_ab: Tensor, flow_ba: Tensor, alpha1: float = 0.1, alpha2: float = 0.5
) -> Tensor:
    """Pixels of frame a that are hidden in frame b.

    A pixel x is taken as occluded when the flow back from where it lands does not return:
    ``|F(x) + B(x + F(x))|^2 > alpha1 (|F(x)|^2 + |B(x + F(x))|^2) + alpha2``. The values of alpha
    are PooDLe's (§3); common code for DDFlow uses alpha1 = 0.01. A pixel that leaves the frame is
    compared with the border's flow; :func:`visible_mask` excludes it.

    Args:
        flow_ab: (B, 2, H, W) from a to b, pixels.
        flow_ba: (B, 2, H, W) from b to a, pixels.
        alpha1: Tolerance relative to the squared length of the motion.
        alpha2: Tolerance in squared pixels.

    Returns:
        (B, H, W) bool, True = occluded.
    """
    back = sample_bilinear(flow_ba, _landing(flow_ab))
    mismatch = (flow_ab + back).square().sum(1)
    motion = flow_ab.square().sum(1) + back.square().sum(1)
    return mismatch > alpha1 * motion + alpha2


def visible_mask(
    flow_ab: Tensor, flow_ba: Tensor, alpha1: float = 0.1, alpha2: float = 0.5
) -> Tensor:
    """Pixels of frame a that land inside frame b and are not occluded there.

    Args:
        flow_ab: (B, 2, H, W) from a to b, pixels.
        flow_ba: (B, 2, H, W) from b to a, pixels.
        alpha1: See :func:`occlusion_mask`.
        alpha2: See :func:`occlusion_mask`.

    Returns:
        (B, H, W) bool; False where the flow is not finite.
    """
    lands_inside = inside(_landing(flow_ab), flow_ab.shape[-2:])
    return lands_inside & ~occlusion_mask(flow_ab, flow_ba, alpha1, alpha2)


def _landing(flow: Tensor) -> Tensor:
    """(B, H, W, 2): where each pixel of the first frame is found in the second."""
    return pixel_grid(flow.shape[-2:], flow.device, flow.dtype) + flow.movedim(1, -1)
