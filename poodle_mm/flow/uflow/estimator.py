"""UFlow: optical flow that was learned without labels."""

from collections.abc import Sequence
from functools import cached_property

import torch
import torch.nn.functional as F
from mmengine.structures import BaseDataElement
from torch import Tensor, nn

from poodle_mm.checkpoints.state_dict import check_state
from poodle_mm.flow.base import FlowEstimator
from poodle_mm.flow.uflow.network import IMAGE_STRIDE, NETWORKS, UFlowNetwork
from poodle_mm.flow.uflow.packaged import find_weights
from poodle_mm.flow.uflow.released_names import from_released, is_released
from poodle_mm.flow.weights import read_state_dict
from poodle_mm.registry import MODELS

CONFIG_KEY = 'model.data_preprocessor.flow.weights'
SIZE = (256, 512)  # PooDLe, appendix A
PACKAGED_SIZE = dict(small=(128, 256))


@MODELS.register_module()
class UFlow(FlowEstimator):
    """UFlow (Jonschkowski et al., 2020): PooDLe's flow without labels (PooDLe §4.3, app. A).

    The paper trains it on KITTI and then on BDD100K, at 256 x 512, and loses 0.5 mIoU against
    RAFT. No such weights are published: they have to be trained. Those of a smaller network, for
    CPUs, come with the package: ``weights='small'``. They are read at the first call, not when the
    config is built. Both directions run in one batch.

    Images whose sides are no multiples of 32 are enlarged to the next ones, as in UFlow's code.

    Args:
        weights: ``'small'``, or a checkpoint of
            :class:`~poodle_mm.flow.uflow.network.UFlowNetwork`: its state dict or a dict with
            ``state_dict``; all its names may have one prefix, such as that of a training model, or
            be those of PooDLe's released code. Nothing in the file is executed. A file that is
            called ``small`` is ``'./small'``.
        size: (h, w) at which the flow is estimated, or None for the size of the images, which is
            faster for smaller crops. ``'default'``: the paper's 256 x 512; of ``'small'``
            128 x 256, at which it was trained and reaches fast motion.
        network: Name of a network (``'uflow'``, ``'small'``) or the arguments of
            :class:`~poodle_mm.flow.uflow.network.UFlowNetwork`. None: the named one that the names
            and shapes in the file fit.
    """

    def __init__(
        self,
        weights: str,
        size: tuple[int, int] | str | None = 'default',
        network: str | dict | None = None,
    ) -> None:
        if not weights:
            raise ValueError(f"UFlow: {CONFIG_KEY} must be the path of a checkpoint, or 'small'")
        super().__init__(PACKAGED_SIZE.get(weights, SIZE) if size == 'default' else size)
        self.weights = str(weights)
        self.network = network

    @cached_property
    def net(self) -> nn.Module:
        """The frozen network; not a registered submodule (see :class:`FlowEstimator`).

        Raises:
            FileNotFoundError: If there is no such file.
            ValueError: If the file does not hold weights of this network.
        """
        path = find_weights(self.weights, CONFIG_KEY)
        state = read_state_dict(path, 'UFlow', '')
        _, net, state = network_of(state, f'UFlow: {self.weights} ({CONFIG_KEY})', self.network)
        net.load_state_dict({key: value.float() for key, value in state.items()}, assign=True)
        return net.eval().requires_grad_(False)

    def estimate(
        self, a: Tensor, b: Tensor, samples: Sequence[BaseDataElement] | None
    ) -> tuple[Tensor, Tensor]:
        net = self.net.to(a.device)
        shape = tuple(a.shape[-2:])
        feasible = tuple(-(-side // IMAGE_STRIDE) * IMAGE_STRIDE for side in shape)
        if feasible != shape:
            a, b = (F.interpolate(x, feasible, mode='bilinear') for x in (a, b))
        flow_ab, flow_ba = (upsample_flow(flow, shape) for flow in net(a, b))
        return flow_ab, flow_ba


def build_network(network: str | dict, device: torch.device | str | None = None) -> UFlowNetwork:
    """A network by name or by its arguments.

    Args:
        network: Key of ``NETWORKS``, or arguments of :class:`UFlowNetwork`.
        device: Device of its parameters; ``'meta'``: no memory, and no random numbers for values
            that are to be replaced.

    Raises:
        ValueError: If there is no network of that name.
    """
    if isinstance(network, str):
        if network not in NETWORKS:
            raise ValueError(f'UFlow: network {network!r} is not one of {", ".join(NETWORKS)}')
        network = NETWORKS[network]
    with torch.device(device or 'cpu'):
        return UFlowNetwork(**network)


def network_of(
    state: dict[str, Tensor], source: str, network: str | dict | None = None
) -> tuple[str | dict, UFlowNetwork, dict[str, Tensor]]:
    """The network whose weights a file holds, without memory, and the weights under its names.

    Args:
        state: Tensors; all names may have one prefix.
        source: Name of the file for messages.
        network: Argument of :class:`UFlow`.

    Returns:
        ``(network, module on the meta device, state dict)``.

    Raises:
        ValueError: If the weights fit none of the networks.
    """
    if is_released(state):
        state = from_released(state)
    names = list(NETWORKS) if network is None else [network]
    nets = [build_network(name, device='meta') for name in names]
    index = max(range(len(nets)), key=lambda i: _matches(nets[i], state))
    net = nets[index]
    state = _without_prefix(state, net)
    check_state(net, state, source, type(net).__name__)
    return names[index], net, state


def upsample_flow(flow: Tensor, size: tuple[int, int]) -> Tensor:
    """Flow of a whole image on a finer grid: (B, 2, h, w) in cells to (B, 2, H, W) in pixels."""
    scale = (size[1] / flow.shape[-1], size[0] / flow.shape[-2])
    return scale_flow(F.interpolate(flow, size, mode='bilinear'), *scale)


def scale_flow(flow: Tensor, horizontal: float, vertical: float) -> Tensor:
    """(B, 2, H, W) times two numbers; no tensor of them has to get to the GPU."""
    return torch.stack([flow[:, 0] * horizontal, flow[:, 1] * vertical], dim=1)


def _without_prefix(state: dict[str, Tensor], net: nn.Module) -> dict[str, Tensor]:
    """Drop the prefix before the network's names, if all names have it."""
    first = next(iter(net.state_dict()))
    for prefix in (key.removesuffix(first) for key in state if key.endswith(first)):
        if all(key.startswith(prefix) for key in state):
            return {key.removeprefix(prefix): value for key, value in state.items()}
    return state


def _matches(net: nn.Module, state: dict[str, Tensor]) -> int:
    """Number of tensors that the network has, too, under the same name and with that shape."""
    found = {(key, value.shape) for key, value in _without_prefix(state, net).items()}
    return len(found & {(key, value.shape) for key, value in net.state_dict().items()})
