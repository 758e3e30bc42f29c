"""Self-distillation of DINO and iBOT: distributions over prototypes, and their agreement."""

import math

import torch
from torch import Tensor


def teacher_probabilities(logits: Tensor, centre: Tensor, temperature: float) -> Tensor:
    """Centred and sharpened distributions of the teacher (DINO, Eq. 1 and §3.1).

    Args:
        logits: (..., K) outputs of the teacher's head.
        centre: (K,) average output.
        temperature: Below the student's, which sharpens.

    Returns:
        (..., K) float32, without gradient.
    """
    return ((logits.detach().float() - centre) / temperature).softmax(dim=-1)


def cross_entropy(probabilities: Tensor, logits: Tensor, temperature: float = 0.1) -> Tensor:
    """Cross-entropy of the student's distributions with the teacher's (DINO, Eq. 2).

    Args:
        probabilities: (..., K) of the teacher.
        logits: (..., K) outputs of the student's head.
        temperature: The student's.

    Returns:
        (...) float32, in nats.
    """
    return -(probabilities * (logits.float() / temperature).log_softmax(dim=-1)).sum(dim=-1)


def multi_crop_loss(probabilities: Tensor, logits: Tensor, temperature: float = 0.1) -> Tensor:
    """Mean cross-entropy of each view of the student with each other one of the teacher (Eq. 3).

    Args:
        probabilities: (T, N, K) of the teacher, for the first T of the views.
        logits: (V, N, K) outputs of the student for all views.
        temperature: The student's.

    Raises:
        ValueError: If there is no pair of two views.
    """
    teacher_views, views = len(probabilities), len(logits)
    pairs = teacher_views * views - min(teacher_views, views)
    if not pairs:
        raise ValueError(f'{teacher_views} teacher and {views} student view(s) make no pair')
    logs = (logits.float() / temperature).log_softmax(dim=-1)
    # Per pair of views one sum over images and prototypes; the views themselves are not paired.
    with torch.autocast(logs.device.type, enabled=False):  # a product would lose the float32
        agreement = probabilities.flatten(1) @ logs.flatten(1).T
    return (agreement.trace() - agreement.sum()) / (pairs * logits.shape[1])


def masked_patch_loss(
    probabilities: Tensor, logits: Tensor, mask: Tensor, temperature: float = 0.1
) -> Tensor:
    """Cross-entropy on masked patches: their mean in each image, then over images (iBOT, Eq. 1).

    An image without masked patches counts as one with loss 0.

    Args:
        probabilities: (M, K) of the teacher, which sees all patches, for the masked ones.
        logits: (M, K) outputs of the student for the same patches.
        mask: (N, h, w) bool with M patches, in whose order the rows are.
        temperature: The student's.
    """
    counts = mask.flatten(1).sum(dim=1)
    weights = (1 / counts.clamp(min=1)).repeat_interleave(counts, output_size=len(logits))
    return (cross_entropy(probabilities, logits, temperature) * weights).sum() / len(mask)


def relative_entropy(probabilities: Tensor) -> Tensor:
    """Mean entropy of distributions as a share of the uniform one's: 1 uniform, 0 one-hot.

    Args:
        probabilities: (..., K).
    """
    return torch.special.entr(probabilities).sum(dim=-1).mean() / math.log(probabilities.shape[-1])


def information(probabilities: Tensor) -> Tensor:
    """How much the distributions tell about which sample they are of, in [0, 1].

    The entropy of their average less the average of their entropies, as a share of the most that
    N samples and K prototypes allow. It is 0 in each collapse that centring and sharpening work
    against (DINO §5.3): all uniform, or all on one prototype.

    Args:
        probabilities: (..., K) of several samples.
    """
    flat = probabilities.flatten(0, -2)
    gain = torch.special.entr(flat.mean(dim=0)).sum() - torch.special.entr(flat).sum(dim=1).mean()
    return gain / math.log(max(2, min(flat.shape)))
