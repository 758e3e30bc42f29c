"""What is wrong with a run, by its logged numbers: limits, likely causes, keys to change."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace

KINDS = (
    'collapse', 'rank', 'position', 'nonfinite', 'valid_share', 'loader', 'flow', 'information',
)  # fmt: skip
"""What the checks are of, in reports, files and ``stop_on``."""


@dataclass(frozen=True)
class Check:
    """A limit of a statistic.

    Attributes:
        kind: One of :data:`~poodle_mm.engine.health.checks.KINDS`.
        limit: Lowest value that is well; with ``above`` the highest; with ``relative`` the lowest
            share of what the statistic was at the start.
        cause: What it means and where it comes from, a clause for a message.
        key: Key of the config to change first.
        above: Too much is wrong, not too little.
        relative: Compare with the start, and only while the loss is below its own start.
    """

    kind: str
    limit: float
    cause: str
    key: str
    above: bool = False
    relative: bool = False

    def bound(self, start: float | None, loss_fell: bool) -> float | None:
        """The limit in the statistic's own numbers; None where there is nothing to compare with.

        Args:
            start: The statistic at the start.
            loss_fell: Whether the loss is below its start.
        """
        if not self.relative:
            return self.limit
        return self.limit * start if start is not None and loss_fell else None

    def broken(self, value: float, bound: float | None) -> bool:
        """Whether a value is beyond a bound of :meth:`bound`."""
        return bound is not None and (value > bound if self.above else value < bound)


_COLLAPSE = (
    'the projections collapse to one point: check that the target network is updated, lower the '
    'learning rate or train with a larger batch'
)
_LINES = (
    'the vectors lie on few lines, even where they are spread: check that the target network is '
    'updated, lower the learning rate or train with a larger batch'
)
_RATE = 'optim_wrapper.optimizer.lr'
_INFORMATION = (
    'the teacher says the same of all images: check that it is updated, that its temperature (near '
    'uniform: lower it; one prototype: raise it) and its centre suit, and lower the learning rate'
)
CHECKS: Mapping[str, Check] = dict(
    std=Check('collapse', 0.1, _COLLAPSE, _RATE),
    fall=Check(
        'collapse',
        0.4,
        f'the spread falls while the loss falls: {_COLLAPSE}',
        _RATE,
        relative=True,
    ),
    rank=Check('rank', 2.0, _LINES, _RATE),
    filled=Check(
        'rank', 0.1, f'spread and rank fall while the loss falls: {_LINES}', _RATE, relative=True
    ),
    position=Check(
        'position',
        0.99,
        'the maps say where a pixel is and hardly what is there: check that the crops vary from '
        'pair to pair, augment the dense views (affine), lower the learning rate',
        'model.data_preprocessor.affine',
        above=True,
    ),
    valid_share=Check(
        'valid_share',
        0.05,
        'hardly any pixel has a visible counterpart: check flow, time gap and crops',
        'train_dataloader.dataset.delta',
    ),
    data_share=Check(
        'loader',
        0.5,
        'the network waits for data most of the time: more workers, smaller or local files',
        'train_dataloader.num_workers',
        above=True,
    ),
    warp_gain=Check(
        'flow',
        0.02,
        'the flow explains nothing, the frame fetched by it is no nearer to the other one than '
        'without: check the estimator, and whether anything moves between the frames',
        'model.data_preprocessor.flow',
    ),
    information=Check('information', 0.005, _INFORMATION, 'model.teacher_temperature'),
)
"""Name of a limit to its check; the limits are explained in ``docs/watching.md``."""

BROKEN = Check(
    'nonfinite',
    0.0,
    'Lower the learning rate, clip gradients (optim_wrapper.clip_grad) or train without --amp',
    _RATE,
)
"""What a number that is not finite means; it has no limit."""

# Statistic to the checks that look at it.
_LOOKS = dict(
    std_dense=('std', 'fall'),
    std_pool=('std', 'fall'),
    rank_dense=('rank',),
    rank_pool=('rank',),
    rank_features=('rank', 'filled'),
    filled_dense=('filled',),
    filled_pool=('filled',),
    position_dense=('position',),
    valid_share=('valid_share',),
    data_share=('data_share',),
    warp_gain=('warp_gain',),
    information=('information',),
    information_patch=('information',),
)
STATISTICS = tuple(_LOOKS)


def chosen_checks(limits: Mapping[str, float | None]) -> dict[tuple[str, str], Check]:
    """The checks of each statistic, with limits of one's own.

    Args:
        limits: Name in :data:`CHECKS` to limit; None leaves the check out.

    Returns:
        (Statistic, name of the limit) to check.

    Raises:
        ValueError: If there is no check of a name.
    """
    if unknown := set(limits) - set(CHECKS):
        raise ValueError(
            f'limits has {", ".join(sorted(unknown))}; there are {", ".join(sorted(CHECKS))}'
        )
    checks = {
        name: replace(check, limit=limits.get(name, check.limit))
        for name, check in CHECKS.items()
        if limits.get(name, check.limit) is not None
    }
    return {
        (statistic, name): checks[name]
        for statistic, names in _LOOKS.items()
        for name in names
        if name in checks
    }


def check_kinds(kinds: Iterable[str]) -> frozenset[str]:
    """Kinds at which to stop.

    Raises:
        ValueError: If one is unknown.
    """
    kinds = frozenset([kinds] if isinstance(kinds, str) else kinds)
    if unknown := kinds - set(KINDS):
        raise ValueError(f'stop_on has {", ".join(sorted(unknown))}; kinds are {", ".join(KINDS)}')
    return kinds
