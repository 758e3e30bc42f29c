"""Batches of frame pairs and clips."""

from collections.abc import Sequence

import torch
from mmengine.structures import BaseDataElement

from poodle_mm.registry import FUNCTIONS


@FUNCTIONS.register_module()
def frame_clip_collate(batch: Sequence[dict | list[dict]]) -> dict:
    """Stack clips; items of ``repeats`` > 1 are lists of clips and are flattened first.

    Args:
        batch: Items of a ``FrameClipDataset``.

    Returns:
        ``dict(inputs=uint8 (B, N, 3, H, W), data_samples=[FrameClipSample] * B)``.

    Raises:
        ValueError: If the clips of the batch differ in size; names both files.
    """
    clips = [clip for item in batch for clip in (item if isinstance(item, list) else [item])]
    first = clips[0]
    for clip in clips:
        if clip['inputs'].shape != first['inputs'].shape:
            names = (
                f'{p["data_samples"].source}: {tuple(p["inputs"].shape)}' for p in (first, clip)
            )
            raise ValueError(
                f"a batch needs crops of one size: {', '.join(names)}; give the pipeline's crop a "
                'fixed size'
            )
    return dict(
        inputs=torch.stack([clip['inputs'] for clip in clips]),
        data_samples=[clip['data_samples'] for clip in clips],
    )


@FUNCTIONS.register_module()
def frame_pair_collate(batch: Sequence[dict | list[dict]]) -> dict:
    """Stack pairs, the clips of two frames; see ``frame_clip_collate``.

    Args:
        batch: Items of a ``FramePairDataset``.

    Returns:
        ``dict(inputs=uint8 (B, 2, 3, H, W), data_samples=[FramePairSample] * B)``.
    """
    return frame_clip_collate(batch)


def check_batch(
    inputs: torch.Tensor, samples: Sequence[BaseDataElement], divisor: int, name: str
) -> None:
    """Check what a preprocessor of pairs gets.

    Args:
        inputs: Frames of :func:`frame_pair_collate`.
        samples: Samples of the pairs.
        divisor: Number of pixels of which both sides must be multiples.
        name: Name of the preprocessor, for the messages.

    Raises:
        ValueError: If shape, type, a side or the number of samples is wrong, or a seed is missing.
    """
    if inputs.dim() != 5 or inputs.shape[1:3] != (2, 3) or inputs.dtype != torch.uint8:
        raise ValueError(
            f'{name}: inputs must be uint8 (B, 2, 3, H, W), got {inputs.dtype} '
            f'{tuple(inputs.shape)}'
        )
    height, width = inputs.shape[-2:]
    if height % divisor or width % divisor:
        raise ValueError(
            f'{name}: the crop is {height} x {width} pixels, but height and width must be '
            f"multiples of divisor = {divisor}; set 'size' of PairRandomCrop in the "
            "dataset's pipeline"
        )
    if len(samples) != len(inputs):
        raise ValueError(f'{name}: {len(inputs)} pairs, but {len(samples)} data_samples')
    for sample in samples:
        if 'seed' not in sample:
            raise ValueError(f"{name}: {sample.get('source')}: the data sample has no 'seed'")
