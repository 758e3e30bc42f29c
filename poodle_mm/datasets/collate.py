"""Batches of frame pairs."""

from collections.abc import Sequence

import torch
from mmengine.structures import BaseDataElement

from poodle_mm.registry import FUNCTIONS


@FUNCTIONS.register_module()
def frame_pair_collate(batch: Sequence[dict | list[dict]]) -> dict:
    """Stack pairs; items of ``repeats`` > 1 are lists of pairs and are flattened first.

    Args:
        batch: Items of a ``FramePairDataset``.

    Returns:
        ``dict(inputs=uint8 (B, 2, 3, H, W), data_samples=[FramePairSample] * B)``.

    Raises:
        ValueError: If the crops of the batch differ in size; names both files.
    """
    pairs = [pair for item in batch for pair in (item if isinstance(item, list) else [item])]
    first = pairs[0]
    for pair in pairs:
        if pair['inputs'].shape != first['inputs'].shape:
            names = (
                f'{p["data_samples"].source}: {tuple(p["inputs"].shape)}' for p in (first, pair)
            )
            raise ValueError(
                f"a batch needs crops of one size: {', '.join(names)}; give the pipeline's crop a "
                'fixed size'
            )
    return dict(
        inputs=torch.stack([pair['inputs'] for pair in pairs]),
        data_samples=[pair['data_samples'] for pair in pairs],
    )


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
