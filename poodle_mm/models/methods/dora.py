"""DoRA: objects that the teacher finds in the first frame of a clip and tracks through it."""

from collections.abc import Iterator
from typing import TYPE_CHECKING

import numpy as np
import torch
from torch import Tensor

from poodle_mm.geometry.object_tracking import (
    object_masks,
    object_prototypes,
    overlap,
    refine_prototypes,
    track_objects,
)
from poodle_mm.geometry.self_distillation import cross_entropy, teacher_probabilities
from poodle_mm.models.methods.self_distillation import SelfDistillation
from poodle_mm.registry import MODELS

if TYPE_CHECKING:
    from matplotlib.figure import Figure


@MODELS.register_module()
class DoRA(SelfDistillation):
    """`Is ImageNet worth 1 video? <https://arxiv.org/abs/2310.08584>`_ (ICLR 2024).

    In the first frame of a clip the attention of some of the teacher's heads gives prototypes of
    objects, which optimal transport makes distinct; cross-attention with the keys of every frame
    tracks them. The student sees frames in which all but one object is dimmed, and small crops; it
    tells what the teacher says of the whole frame. Both losses have the weight 0.5.

    Views are those of :class:`~poodle_mm.datasets.transforms.clip_views.ClipViews`. With one global
    view the teacher's is the one that is masked; with several it is each other one (Eq. 8).

    Args:
        num_objects: Heads that are drawn for each clip, from its seed (K).
        epsilon, iterations: Of the transport, see :func:`~poodle_mm.geometry.sinkhorn.sinkhorn`.
        **kwargs: Arguments of
            :class:`~poodle_mm.models.methods.self_distillation.SelfDistillation`.

    Raises:
        ValueError: If the encoder is not our ``VisionTransformer``, or has fewer heads.
    """

    def __init__(
        self,
        *,
        num_objects: int = 3,
        epsilon: float = 0.05,
        iterations: int = 3,
        global_views: int = 1,
        **kwargs,
    ) -> None:
        super().__init__(global_views=global_views, **kwargs)
        if not hasattr(self.backbone, 'attend'):
            raise ValueError(
                "DoRA looks at attention: its backbone is dict(type='VisionTransformer', ...)"
            )
        heads = self.backbone.layers[-1].attn.num_heads
        if not 1 <= num_objects <= heads:
            raise ValueError(f'num_objects must be 1 to {heads}, the heads, got {num_objects}')
        self.num_objects = num_objects
        self.epsilon = epsilon
        self.iterations = iterations

    def loss(self, views: list[Tensor], samples: list) -> dict[str, Tensor]:
        """Losses of a batch and statistics of its outputs; moves the centre.

        Args:
            views: ``global_views`` clips (B, T, 3, H, W), then (B, T, L, 3, h, w) local views,
                normalised.
            samples: B data samples with a ``seed``.
        """
        clips, local = views[: self.global_views], views[self.global_views :]
        with torch.no_grad():
            seen = [self.track(clip, samples) for clip in clips]
            outputs = torch.stack([self.teacher['head'](token) for token, _ in seen])
            targets = teacher_probabilities(outputs, self.centre.value, self.teacher_temperature)
            masks = [
                object_masks(tracks.flatten(-2), tracks.shape[-2:], clip.shape[-2:])
                for (_, tracks), clip in zip(seen, clips)
            ]
        tracks = torch.stack([tracks.flatten(-2) for _, tracks in seen])
        masked = self._logits([masked_frames(*pair) for pair in zip(clips, masks)])
        pairs = [
            (teacher, student)
            for teacher in range(len(clips))
            for student in range(len(clips))
            if teacher != student or len(clips) == 1
        ]
        losses = dict(
            loss_masked=0.5 * sum(self._cross(targets[t], masked[s]) for t, s in pairs) / len(pairs)
        )
        if local:
            logits = self._logits(local)[0]
            losses['loss_local'] = (
                0.5 * sum(self._cross(target, logits) for target in targets) / len(targets)
            )
        self.centre.update(outputs)
        return losses | dict(
            object_overlap=overlap(tracks),
            mask_share=torch.stack([mask.mean() for mask in masks]).mean(),
            **self.statistics(targets, masked[:, :, 0]),
        )

    @torch.no_grad()
    def track(self, clip: Tensor, samples: list) -> tuple[Tensor, Tensor]:
        """What the teacher sees in a clip, and where its objects are.

        Args:
            clip: (B, T, 3, H, W), normalised.
            samples: B data samples with a ``seed``.

        Returns:
            (B * T, C) class tokens, and (B, T, K, h, w) attention of K objects.
        """
        batch = len(clip)
        seen = self.teacher['backbone'].attend(clip.flatten(0, 1))
        grid = seen.patches.shape[-2:]
        # float32 also under autocast: the weights of a young network differ by little
        with torch.autocast(clip.device.type, enabled=False):
            patches = seen.patches.float().flatten(2).mT.unflatten(0, (batch, -1))
            keys, queries = (
                x.float().flatten(3).flatten(1, 2).mT.unflatten(0, (batch, -1))
                for x in (seen.keys, seen.queries)
            )
            first = seen.attention.float().flatten(2).unflatten(0, (batch, -1))[:, 0]
            heads = self._draw_heads(samples, first.shape[1]).to(first.device)
            chosen = first.take_along_dim(heads[..., None], dim=1)
            prototypes = object_prototypes(chosen, queries[:, 0])
            refined, _ = refine_prototypes(prototypes, patches[:, 0], self.epsilon, self.iterations)
            return seen.class_token, track_objects(refined, keys).unflatten(-1, grid)

    def draw_pairs(self, batch: dict, iteration: int) -> Iterator['Figure']:
        """Draw the objects in the clips of a batch; ``PairVisualizationHook`` calls it.

        Args:
            batch: From the dataloader.
            iteration: Number of iterations that the model has been trained.

        Yields:
            A figure for each clip.
        """
        from poodle_mm.visualization.clip import draw_objects  # matplotlib takes a second to import

        views = self.data_preprocessor(batch, True)
        samples = views['data_samples']
        clips = views['inputs'][0][: len(samples)]
        _, tracks = self.track(clips, samples)
        masks = object_masks(tracks.flatten(-2), tracks.shape[-2:], clips.shape[-2:])
        how = f'attention of the teacher after iteration {iteration}'
        for clip, mask, sample in zip(clips, masks, samples):
            yield draw_objects(clip, mask, sample.get('timestamps'), how)

    def _draw_heads(self, samples: list, heads: int) -> Tensor:
        """(B, K) heads, of each clip from its seed: the same for any batch and ranks."""
        drawn = [
            np.random.default_rng([sample.seed, 2]).permutation(heads)[: self.num_objects]
            for sample in samples
        ]
        return torch.from_numpy(np.stack(drawn))

    def _logits(self, views: list[Tensor]) -> Tensor:
        """(V, B * T, M, prototypes) of the student for V times (B, T, M, 3, H, W) images."""
        images = torch.stack(views)
        tokens = self.backbone(images.flatten(0, 3))[-1]
        return self.head(tokens).view(len(views), -1, images.shape[3], self.head.out_channels)

    def _cross(self, target: Tensor, logits: Tensor) -> Tensor:
        """Mean cross-entropy of (N, M, prototypes) logits with (N, prototypes) targets."""
        return cross_entropy(target[:, None], logits, self.temperature).mean()


def masked_frames(clip: Tensor, masks: Tensor) -> Tensor:
    """(B, T, 3, H, W) frames times (B, T, K, H, W) masks: (B, T, K, 3, H, W) (DoRA, Eq. 7)."""
    return clip[:, :, None] * masks[:, :, :, None]
