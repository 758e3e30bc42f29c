"""UFlow: optical flow that was learned without labels."""

from collections.abc import Sequence
from functools import cached_property

import torch
import torch.nn.functional as F
from mmengine.structures import BaseDataElement
from torch import Tensor, nn

from poodle_mm.checkpoints.state_dict import check_state
from poodle_mm.flow.base import FlowEstimator
from poodle_mm.flow.uflow.network import IMAGE_STRIDE, UFlowNetwork
from poodle_mm.flow.weights import read_state_dict
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
            training model. Nothing in the file is executed.
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
    state = read_state_dict(
        path,
        'UFlow',
        'No weights of UFlow are published for this network: train it and give the path of the '
        f'checkpoint as {CONFIG_KEY}, or take another estimator, such as '
        "flow=dict(type='RAFTFlow')",
    )
    # drop the prefix before the network's names, if all names have it
    first = next(iter(net.state_dict()))
    for prefix in (key.removesuffix(first) for key in state if key.endswith(first)):
        if all(key.startswith(prefix) for key in state):
            state = {key.removeprefix(prefix): value for key, value in state.items()}
            break
    check_state(net, state, f'UFlow: {path} ({CONFIG_KEY})', type(net).__name__)
    return state
