"""Health of a map of tokens: their norms, and how many directions they use."""

import torch
from torch import Tensor


def token_norms(maps: Tensor, factor: float = 3.0) -> dict[str, Tensor]:
    """Statistics of the tokens' L2 norms.

    A ViT that collapses writes what it has to say of an image into few tokens of huge norm
    (PooDLe, appendix G; `Vision Transformers Need Registers <https://arxiv.org/abs/2309.16588>`_).

    Args:
        maps: (N, C, h, w).
        factor: A token is an outlier when its norm exceeds so many times its image's median.

    Returns:
        Scalars: ``token_norm``, the mean norm; ``token_norm_peak``, an image's largest norm over
        its median; ``token_norm_outliers``, the share of outliers; the last two averaged over
        images. Of an even number of tokens the median is the lower one in the middle.
    """
    norms = maps.detach().float().norm(dim=1).flatten(1)
    median = norms.median(dim=1, keepdim=True)[0].clamp(min=1e-12)
    relative = norms / median
    return dict(
        token_norm=norms.mean(),
        token_norm_peak=relative.amax(dim=1).mean(),
        token_norm_outliers=(relative > factor).float().mean(),
    )


def effective_rank(vectors: Tensor) -> Tensor:
    """Number of directions that vectors use: 1 for a line, C when all are used alike.

    The exponential of the entropy of the singular values, divided by their sum, of the centred
    vectors (Roy and Vetterli, 2007).

    Args:
        vectors: (N, C).

    Returns:
        Scalar float64; 0 where all vectors are equal.
    """
    vectors = vectors.detach().double()
    centred = vectors - vectors.mean(dim=0)
    # of the smaller product: its eigenvalues are the squares
    tall = len(centred) >= centred.shape[1]
    product = centred.mT @ centred if tall else centred @ centred.mT
    squares = torch.linalg.eigvalsh(product).clamp(min=0)
    # what rounding alone leaves is no direction
    squares = torch.where(squares > 1e-12 * squares.max(), squares, 0.0)
    values = squares.sqrt()
    shares = values / values.sum().clamp(min=1e-30)
    rank = torch.special.entr(shares).sum().exp()
    return torch.where(values.sum() > 1e-12, rank, 0.0)
