"""UFlow: optical flow that was learned without labels."""

from collections.abc import Mapping, Sequence
from functools import cached_property
from pathlib import Path

import torch
import torch.nn.functional as F
from mmengine.structures import BaseDataElement
from torch import Tensor, nn

from poodle_mm.checkpoints import safe_load
from poodle_mm.checkpoints.state_dict import check_state
from poodle_mm.flow.base import FlowEstimator
from poodle_mm.flow.uflow.network import IMAGE_STRIDE, UFlowNetwork
from poodle_mm.geometry.warp import crop_resize_flow
from poodle_mm.registry import MODELS

CONFIG_KEY = 'model.data_preprocessor.flow.weights'


@MODELS.register_module()
class UFlow(FlowEstimator):
    """UFlow (Jonschkowski et al., 2020): PooDLe's flow without labels (PooDLe §4.3, app. A).

    The paper trains it on KITTI and then on BDD100K, at 256 x 512, and loses 0.5 mIoU against
    RAFT. No such weights are published: they have to be trained. They are read at the first call,
    not when the config is built. Both directions run in one batch.

    Images whose sides are no multiples of 32 are enlarged to the next ones, as in UFlow's code.

    Args:
        weights: Checkpoint of :class:`~poodle_mm.flow.uflow.network.UFlowNetwork`: its state dict
            or a dict with ``state_dict``; all its names may have one prefix, such as that of a
            training model. The file is unpickled: use files from people you trust.
        size: (h, w) at which the flow is estimated, the paper's by default; None for the size of
            the images.
    """

    def __init__(self, weights: str, size: tuple[int, int] | None = (256, 512)) -> None:
        super().__init__(size)
        if not weights:
            raise ValueError(f'UFlow: {CONFIG_KEY} must be the path of a checkpoint')
        self.weights = str(weights)

    @cached_property
    def net(self) -> nn.Module:
        """The frozen network; not a registered submodule (see :class:`FlowEstimator`).

        Raises:
            FileNotFoundError: If there is no such file.
            ValueError: If the file does not hold weights of this network.
        """
        with torch.device('meta'):  # no memory and no random numbers for values to be replaced
            net = UFlowNetwork()
        net.load_state_dict(_read(self.weights, net), assign=True)
        return net.float().eval().requires_grad_(False)

    def estimate(
        self, a: Tensor, b: Tensor, samples: Sequence[BaseDataElement] | None
    ) -> tuple[Tensor, Tensor]:
        net = self.net.to(a.device)
        shape = tuple(a.shape[-2:])
        feasible = tuple(-(-side // IMAGE_STRIDE) * IMAGE_STRIDE for side in shape)
        if feasible != shape:
            a, b = (F.interpolate(x, feasible, mode='bilinear') for x in (a, b))
        flow_ab, flow_ba = net(a, b)
        box = (0, 0, flow_ab.shape[-1], flow_ab.shape[-2])
        return crop_resize_flow(flow_ab, box, shape), crop_resize_flow(flow_ba, box, shape)


def _read(path: str, net: nn.Module) -> dict[str, Tensor]:
    """The weights in a file, under the names of ``net``."""
    file = Path(path).expanduser()
    if not file.is_file():
        raise FileNotFoundError(
            f'UFlow: there is no weights file {path}. No weights of UFlow are published for this '
            f'network: train it and give the path of the checkpoint as {CONFIG_KEY}, or take '
            "another estimator, such as flow=dict(type='RAFTFlow')"
        )
    try:
        loaded = safe_load(file)
    except Exception as error:  # torch raises many kinds for damaged files
        raise ValueError(f'UFlow: {path} cannot be read as a checkpoint: {error}') from error
    state = loaded.get('state_dict', loaded) if isinstance(loaded, Mapping) else loaded
    if not isinstance(state, Mapping):
        raise ValueError(f'UFlow: {path} holds a {type(state).__name__}, not a state dict')
    state = _without_prefix(state, net.state_dict())
    check_state(net, state, f'UFlow: {path} ({CONFIG_KEY})', type(net).__name__)
    return dict(state)


def _without_prefix(state: Mapping[str, Tensor], expected: Mapping[str, Tensor]) -> Mapping:
    """Drop what stands before the network's names, if all names begin with it."""
    first = next(iter(expected))
    for key in map(str, state):
        prefix = key.removesuffix(first)
        if prefix != key and all(str(other).startswith(prefix) for other in state):
            return {str(other).removeprefix(prefix): value for other, value in state.items()}
    return state
