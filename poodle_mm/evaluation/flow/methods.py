"""Estimators by short names, as a command line gives them."""

from collections.abc import Sequence

import torch
from torch import Tensor

from poodle_mm.datasets.flow_pairs import FlowPair
from poodle_mm.registry import MODELS

ORACLE = 'constant'
TRUTH = 'truth'
_NEED_WEIGHTS = ('uflow', 'dis-from')
_TAKE_WEIGHTS = (*_NEED_WEIGHTS, 'raft-small', 'raft-large')
ESTIMATORS = {
    'zero': dict(type='ZeroFlow'),
    'translation': dict(type='TranslationFlow'),
    'farneback': dict(type='FarnebackFlow'),
    'dis-ultrafast': dict(type='DISFlow', preset='ultrafast', num_threads=1),
    'dis-fast': dict(type='DISFlow', preset='fast', num_threads=1),
    'dis-medium': dict(type='DISFlow', preset='medium', num_threads=1),
    'dis-from': dict(type='DISFlow', num_threads=1),
    'uflow': dict(type='UFlow'),
    'raft-small': dict(type='RAFTFlow', arch='small'),
    'raft-large': dict(type='RAFTFlow', arch='large'),
}
NAMES = (*ESTIMATORS, ORACLE, TRUTH)


def estimator_config(spec: str, size: tuple[int, int] | None = None) -> dict:
    """Config of the estimator that a spec names; the arguments are those of :class:`Method`.

    Raises:
        ValueError: For an unknown name, or weights where there are none or that are missing.
    """
    name, _, weights = spec.partition('=')
    if name not in ESTIMATORS:
        raise ValueError(f'flow estimator {name!r} is not one of {", ".join(ESTIMATORS)}')
    cfg = dict(ESTIMATORS[name])
    if name in _NEED_WEIGHTS and not weights:
        raise ValueError(
            f'flow method {name} needs weights: {name}=small, or {name}=work_dirs/.../iter_N.pth'
        )
    if weights and name not in _TAKE_WEIGHTS:
        raise ValueError(f'flow method {name} takes no weights, got {spec}')
    if name == 'dis-from':
        cfg['initial'] = dict(type='UFlow', weights=weights, size=(128, 256))
    elif weights:
        cfg['weights'] = weights
    if size and name not in ('zero', 'translation'):
        cfg['size'] = tuple(size)
    return cfg


class Method:
    """Flow of a pair, both ways.

    Args:
        spec: Name of ``ESTIMATORS``, with a weights file after ``=`` for those that take one
            (``dis-from``: DIS from the flow of UFlow at 128 x 256);
            ``'constant'``: the median of the true flow, the best that one motion for all pixels
            can do; ``'truth'``: the true flow, the best warp.
        size: (h, w) at which networks and algorithms work; None: that of the frames, of UFlow its
            own.

    Raises:
        ValueError: For an unknown name.
    """

    def __init__(self, spec: str, size: tuple[int, int] | None = None) -> None:
        self.name = spec.partition('=')[0]
        if self.name not in NAMES:
            raise ValueError(f'flow method {self.name!r} is not one of {", ".join(NAMES)}')
        self.needs_truth = self.name in (ORACLE, TRUTH)
        self.estimator = None if self.needs_truth else MODELS.build(estimator_config(spec, size))

    def __call__(self, a: Tensor, b: Tensor, pair: FlowPair) -> tuple[Tensor, Tensor | None]:
        """``(flow_ab, flow_ba)``, (1, 2, H, W) each, of frames (1, 3, H, W) in [0, 1].

        The truth is NaN where it is unknown, and None for the way back where the data has none.
        """
        if self.estimator is not None:
            return self.estimator(a, b)
        flow = torch.from_numpy(pair.flow).to(a)[None]
        back = None if pair.back is None else torch.from_numpy(pair.back).to(a)[None]
        if self.name == ORACLE:
            known = torch.from_numpy(pair.known).to(a.device)
            motion = flow[0, :, known]
            motion = motion.median(1).values if known.any() else motion.new_zeros(2)
            motion = motion[:, None, None].expand_as(flow)
            return motion, -motion
        return torch.where(torch.from_numpy(pair.known).to(a.device), flow, torch.nan), back


def build_methods(specs: Sequence[str], size: tuple[int, int] | None = None) -> dict[str, Method]:
    """Methods by their specs.

    Raises:
        ValueError: For an unknown name, or one that is given twice.
    """
    if len({*specs}) < len(specs):
        raise ValueError(f'a flow method is given twice: {", ".join(specs)}')
    return {spec: Method(spec, size) for spec in specs}
