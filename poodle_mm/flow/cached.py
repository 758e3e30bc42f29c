"""Flow that came with the sample."""

from collections.abc import Sequence

import torch
from mmengine.structures import BaseDataElement
from torch import Tensor

from poodle_mm.flow.base import FlowEstimator
from poodle_mm.registry import MODELS


@MODELS.register_module()
class CachedFlow(FlowEstimator):
    """The flow that the dataset's transforms stored in ``sample.flow``.

    ``LoadCachedFlow`` reads what ``tools/cache_flow.py`` wrote, ``LoadSceneFlow`` the exact flow
    of the synthetic scenes; both are cropped and resized along with the frames.

    Args:
        fallback: Config of the estimator for samples that have no flow, or None: those are errors.
    """

    def __init__(self, fallback: dict | None = None) -> None:
        super().__init__()
        self.fallback = MODELS.build(fallback) if fallback else None

    def estimate(
        self, a: Tensor, b: Tensor, samples: Sequence[BaseDataElement] | None
    ) -> tuple[Tensor, Tensor]:
        if samples is None or len(samples) != len(a):
            raise ValueError(
                f'CachedFlow needs the data samples of all {len(a)} pairs, got '
                f'{samples if samples is None else len(samples)}'
            )
        flow = a.new_empty(2, len(a), 2, *a.shape[-2:])
        missing = []
        for i, sample in enumerate(samples):
            if 'flow' in sample:
                if sample.flow.shape != flow[:, i].shape:
                    raise ValueError(
                        f'{_name(sample)}: the stored flow has shape {tuple(sample.flow.shape)}, '
                        f'the crops need {tuple(flow[:, i].shape)}: both directions, (du, dv), in '
                        'pixels of the crop'
                    )
                flow[:, i] = sample.flow
            elif self.fallback is None:
                raise ValueError(
                    f'{_name(sample)}: the sample carries no flow. Write it with '
                    'tools/cache_flow.py and add LoadCachedFlow (or LoadSceneFlow) to the '
                    "dataset's pipeline, or set CachedFlow(fallback=dict(type='DISFlow'))"
                )
            else:
                missing.append(i)
        if missing:
            chosen = [samples[i] for i in missing]
            flow[:, missing] = torch.stack(self.fallback(a[missing], b[missing], chosen))
        return flow[0], flow[1]


def _name(sample: BaseDataElement) -> str:
    return f'{sample.get("source")}, frames {sample.get("frame_ids")}'
