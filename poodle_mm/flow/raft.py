"""RAFT as torchvision implements it."""

import pickle
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import cached_property
from pathlib import Path

import torch
import torch.nn.functional as F
from mmengine.structures import BaseDataElement
from torch import Tensor, nn
from torchvision.models import WeightsEnum
from torchvision.models.optical_flow import (
    Raft_Large_Weights,
    Raft_Small_Weights,
    raft_large,
    raft_small,
)

from poodle_mm.checkpoints.state_dict import check_state
from poodle_mm.flow.base import FlowEstimator
from poodle_mm.flow.mmflow_weights import is_mmflow_raft
from poodle_mm.flow.weights import read_state_dict
from poodle_mm.registry import MODELS

ARCHS = dict(large=(raft_large, Raft_Large_Weights), small=(raft_small, Raft_Small_Weights))
STRIDE = 8
MIN_SIDE = 128  # torchvision's correlation pyramid needs 16 x 16 cells
CONVERTER = 'tools/model_converters/mmflow_raft_to_torchvision.py'


@MODELS.register_module()
class RAFTFlow(FlowEstimator):
    """RAFT (Teed and Deng, 2020), supervised and off the shelf: the paper's default (PooDLe §4.1).

    The network is built and its weights are read at the first call, not when the config is
    built. Images are padded (border repeated) to multiples of 8 and to at least 128 pixels a
    side. Its batch norm is always in evaluation mode, also where the model trains; that of PooDLe's
    authors was not, by accident. Each frame is encoded once for both directions.

    Args:
        arch: ``'large'`` (5.3 M parameters) or ``'small'`` (1.0 M).
        weights: A name of torchvision's, which downloads them into its own cache
            (``'DEFAULT'``, ``'C_T_SKHT_V2'``, …: see ``Raft_Large_Weights``), or a file with a
            state dict of torchvision's (``tools/model_converters/mmflow_raft_to_torchvision.py``
            makes one of MMFlow's). None: random weights, the same in every process, for tests.
        num_updates: Recurrent updates. torchvision's default is 12, MMFlow tests with 32.
        size: (h, w) at which the flow is estimated; None for the size of the images.
        batched: Whether both directions of all pairs are one batch, or come one after the other:
            the same flow, with less memory. None: one batch on a GPU, which it keeps busy, and one
            after the other on a CPU, where that is faster (docs/flow.md).
    """

    def __init__(
        self,
        arch: str = 'large',
        weights: str | None = 'DEFAULT',
        num_updates: int = 12,
        size: tuple[int, int] | None = None,
        batched: bool | None = None,
    ) -> None:
        super().__init__(size)
        if arch not in ARCHS:
            raise ValueError(f'RAFTFlow: arch {arch!r} is not one of {", ".join(ARCHS)}')
        if num_updates < 1:
            raise ValueError(f'RAFTFlow: num_updates must be at least 1, got {num_updates}')
        self.arch = arch
        self.weights = weights
        self.num_updates = num_updates
        self.batched = batched

    @cached_property
    def net(self) -> nn.Module:
        """The frozen network; not a registered submodule (see :class:`FlowEstimator`).

        Raises:
            FileNotFoundError: If the weights are neither here nor to be had.
            ValueError: If the file does not hold weights of this network.
        """
        build, names = ARCHS[self.arch]
        with torch.random.fork_rng(devices=[]):  # training's random numbers stay as they are
            torch.default_generator.manual_seed(0)
            net = build()
        if self.weights is not None:
            net.load_state_dict(_read(self.weights, names, net))
        return net.eval().requires_grad_(False)

    def estimate(
        self, a: Tensor, b: Tensor, samples: Sequence[BaseDataElement] | None
    ) -> tuple[Tensor, Tensor]:
        net = self.net.to(a.device)
        height, width = a.shape[-2:]
        (left, right), (top, bottom) = _padding(width), _padding(height)
        frames = F.pad(2 * torch.cat([a, b]) - 1, (left, right, top, bottom), mode='replicate')
        batched = a.device.type != 'cpu' if self.batched is None else self.batched
        part = len(frames) if batched else 1
        features = torch.cat([net.feature_encoder(x) for x in frames.split(part)])
        known = [torch.cat(x) for x in zip(*_with_partners(features, part))]
        del features
        flows = []
        for x, y, features in zip(*_with_partners(frames, part), known):
            # the offsets that torchvision makes in each update too: they would be copied
            with _encoded(net, features), frames.device:
                flows.append(net(x, y, num_flow_updates=self.num_updates)[-1])
            net.corr_block.corr_pyramid = []  # else gigabytes stay allocated until the next call
        flow = torch.cat(flows)[..., top : top + height, left : left + width]
        flow_ab, flow_ba = flow.chunk(2)
        return flow_ab.contiguous(), flow_ba.contiguous()


def _with_partners(x: Tensor, part: int) -> tuple[tuple[Tensor, ...], tuple[Tensor, ...]]:
    """``x`` of all frames and of their partners, the other half, in parts of a batch."""
    return x.split(part), x.roll(len(x) // 2, dims=0).split(part)


class _Features(nn.Module):
    """Stand-in for an encoder of images whose features are known."""

    def __init__(self, features: Tensor) -> None:
        super().__init__()
        self.features = features

    def forward(self, images: Tensor) -> Tensor:
        return self.features


@contextmanager
def _encoded(net: nn.Module, features: Tensor) -> Iterator[None]:
    """Have torchvision's RAFT take ``features``, of the first images and then of the second ones.

    It would encode both frames of a pair anew for the other direction.
    """
    encoder, net.feature_encoder = net.feature_encoder, _Features(features)
    try:
        yield
    finally:
        net.feature_encoder = encoder


def _padding(side: int) -> tuple[int, int]:
    """Pixels to add before and after one side."""
    missing = max(-(-side // STRIDE) * STRIDE, MIN_SIDE) - side
    return missing // 2, missing - missing // 2


def _read(weights: str, names: type[WeightsEnum], net: nn.Module) -> dict[str, Tensor]:
    """State dict of ``net`` by one of torchvision's ``names``, or from a file."""
    if weights in names.__members__:
        return _download(names[weights])
    state = read_state_dict(
        weights,
        'RAFTFlow',
        f"Give the path of a state dict like {names['DEFAULT'].url}, of a checkpoint of MMFlow's "
        f'after {CONVERTER}, one of the names {", ".join(names.__members__)} (torchvision '
        'downloads those), or weights=None for random weights',
    )
    if is_mmflow_raft(state):
        raise ValueError(
            f'RAFTFlow: {weights} is a checkpoint of MMFlow; convert it first: '
            f'python {CONVERTER} {weights} NEW_FILE'
        )
    hint = "Check arch ('large' or 'small')."
    check_state(net, state, f'RAFTFlow: {weights}', type(net).__name__, hint=hint)
    return state


def _download(entry: WeightsEnum) -> dict[str, Tensor]:
    """Weights of torchvision from its cache, where they are put if they are not there."""
    try:
        return entry.get_state_dict(
            progress=True, check_hash=True, map_location='cpu', weights_only=True
        )
    except (OSError, RuntimeError, EOFError, pickle.UnpicklingError) as error:
        cached = Path(torch.hub.get_dir()) / 'checkpoints' / Path(entry.url).name
        raise FileNotFoundError(
            f'RAFTFlow: cannot get {entry} ({error}). Download {entry.url} and put it at {cached} '
            '(delete what lies there), or give its path as RAFTFlow(weights=...)'
        ) from error
