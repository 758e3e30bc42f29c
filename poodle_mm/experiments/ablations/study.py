"""Studies: the rows of a table or the points of a figure."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

SCRATCH = None


@dataclass(frozen=True)
class Variant:
    """A row of a table, or a point of a figure.

    Attributes:
        key: Short name, by which it is asked for.
        label: Name in the table.
        method: First part of the config's name, or ``SCRATCH``, random weights.
        settings: Differences from that config: ``size`` (H, W), ``area`` (uniform, or with
            ``area_mean`` and ``area_std`` the range of a truncated normal), ``num_subcrops``,
            ``subcrop_area``, ``delta`` (steps, see ``DataSetting.delta_step``).
        paper: Scores that the paper prints, percent: ``miou``, ``small``, ``large``, ``rare``.
        exact: With the exact flow of the data in place of an estimator's; the scenes alone have it.
        arch: The encoder in the config's name, where a method has several, e.g. ``'vit-xs8'``.
        like: For random weights: the method whose encoder they fill.
    """

    key: str
    label: str
    method: str | None
    settings: Mapping[str, Any] = field(default_factory=dict)
    paper: Mapping[str, float] = field(default_factory=dict)
    exact: bool = False
    arch: str | None = None
    like: str = 'poodle'


@dataclass(frozen=True)
class Study:
    """A table or a figure's panel.

    Attributes:
        name: Such as ``'table4'``, ``'figure5a'`` or ``'figure5a-iclr'``.
        title: Title in words.
        variants: Rows or points.
        x: The setting on a figure's horizontal axis; None for a table.
        x_label: Label of that axis.
        line: The setting that tells a figure's lines apart; None: the variants' labels.
        groups: Whether the figure shows the class groups Small and Large, too.
        data: Data settings on which it can be run; None: all.
        costs: Whether its table has time, frames and parameters in place of the paper's scores;
            rows whose method has no config are then left out.
    """

    name: str
    title: str
    variants: tuple[Variant, ...]
    x: str | None = None
    x_label: str = ''
    line: str | None = None
    groups: bool = False
    data: tuple[str, ...] | None = None
    costs: bool = False
