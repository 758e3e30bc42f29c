"""Average precision of each class's pixels: how high they rank, also where the class never wins.

IoU is 0 for a class that no pixel is given to, however well its pixels are ranked. Average
precision is the area under precision over recall of one class against the rest: 1 at best, the
class's share of the pixels for a random ranking.
"""

import torch
from torch import Tensor

BINS = 1024
LIMIT = 20.0
"""Log-odds of the histogram's ends; bins of 0.04, finer than the steps that tell pixels apart."""


def score_histogram(logits: Tensor, labels: Tensor, ignore_index: int = 255) -> Tensor:
    """Histograms of each class's log-odds, over its own pixels and over all.

    Args:
        logits: (C, H, W) float.
        labels: (H, W) integer class ids.
        ignore_index: Id of pixels that do not count.

    Returns:
        (2, C, BINS) int64 on the CPU, low scores first: [0] pixels of the class, [1] all pixels.
    """
    known = labels != ignore_index
    # in place: a new tensor for each step takes longer than the step
    log_p = logits[:, known].float().log_softmax(dim=0)
    rest = log_p.clamp(max=-1e-12).expm1_().neg_().log_()
    scores = log_p.sub_(rest).clamp_(-LIMIT, LIMIT)
    index = scores.add_(LIMIT).mul_(BINS / (2 * LIMIT)).int().clamp_(max=BINS - 1)
    count = len(logits)
    index += torch.arange(count, dtype=torch.int32, device=index.device)[:, None] * BINS
    own = index.gather(0, labels[known].long()[None])
    histograms = [torch.bincount(i.flatten(), minlength=count * BINS) for i in (own, index)]
    return torch.stack(histograms).view(2, count, BINS).cpu()


def average_precision(histograms: Tensor) -> Tensor:
    """Average precision of each class: sum of precision times the step of recall, bin by bin.

    Pixels of one bin are ties: they are taken together, as scikit-learn's
    ``average_precision_score`` takes equal scores.

    Args:
        histograms: (2, C, BINS), sums of :func:`score_histogram` over images.

    Returns:
        (C,) float64 in [0, 1]; NaN for a class without pixels.
    """
    own, every = histograms.double().flip(-1).unbind()
    found, taken = own.cumsum(-1), every.cumsum(-1)
    precision = found / taken.clamp(min=1)
    return (precision * own).sum(-1) / own.sum(-1)
