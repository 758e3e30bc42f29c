"""How wrong flow is at each pixel, by truth and by what it warps."""

from torch import Tensor

FL_PIXELS, FL_SHARE = 3.0, 0.05  # KITTI's outlier: more than both


def endpoint_error(flow: Tensor, truth: Tensor) -> Tensor:
    """Length of the difference in pixels, (B, H, W) of (B, 2, H, W)."""
    return (flow - truth).square().sum(1).sqrt()


def is_outlier(error: Tensor, truth: Tensor) -> Tensor:
    """Fl: an error above 3 pixels and above 5 % of the true motion's length."""
    return (error > FL_PIXELS) & (error > FL_SHARE * truth.square().sum(1).sqrt())


def grey_level_error(a: Tensor, b: Tensor) -> Tensor:
    """Absolute difference of images, mean of the three colours, in grey levels (0 to 255).

    Args:
        a: (B, 3, H, W) in [0, 1].
        b: The same of other images.

    Returns:
        (B, H, W).
    """
    return 255 * (a - b).abs().mean(1)
