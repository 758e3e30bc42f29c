"""Batches of frame pairs."""

from collections.abc import Sequence

import torch

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
