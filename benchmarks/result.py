"""Options and result of a stage."""

import math
from dataclasses import asdict, dataclass, field
from pathlib import Path
from statistics import median
from typing import Any


@dataclass(frozen=True)
class Options:
    """Options of all stages.

    Attributes:
        device: ``'cpu'`` or ``'cuda'``.
        repeats: Runs of each contender; the table shows their median, least and greatest.
        threads: Torch's threads on the CPU.
        quick: Tiny shapes and few samples: to see that everything runs. Its figures mean nothing.
        cache: Folder of files that are made once and kept (videos, simulated trees).
        video: A video file to read instead of one that is made; None makes one.
        configs: The repository's folder of configs.
    """

    device: str = 'cpu'
    repeats: int = 5
    threads: int = 2
    quick: bool = False
    cache: Path = Path('work_dirs/benchmark/cache')
    video: Path | None = None
    configs: Path = Path('configs')


@dataclass
class Measurement:
    """One contender of a stage.

    Attributes:
        name: Name of the row.
        seconds: Seconds of each run for one unit of work (see ``StageResult.unit``); empty if it
            did not fit into the memory.
        more: Other numbers: column to value, for example ``{'extra MiB': 143}``.
    """

    name: str
    seconds: list[float]
    more: dict[str, Any] = field(default_factory=dict)

    @property
    def median(self) -> float:
        """Median of ``seconds``; NaN if there are none."""
        return median(self.seconds) if self.seconds else math.nan


@dataclass
class Target:
    """A number and the limit that it should keep.

    Attributes:
        text: The comparison, for example ``'time / lower bound'``.
        value: Measured number.
        limit: ``'<= 1.25'``, ``'>= 3'``.
    """

    text: str
    value: float
    limit: str

    @property
    def met(self) -> bool:
        """Whether the value keeps the limit."""
        sign, number = self.limit.split()
        return self.value <= float(number) if sign == '<=' else self.value >= float(number)


@dataclass
class StageResult:
    """The table of one stage.

    Attributes:
        stage: Name on the command line.
        title: Heading.
        work: The work with its shapes, one sentence.
        unit: Unit of ``seconds``: ``'pair'``, ``'step'``.
        rows: Ours, lower bound and baselines.
        targets: Limits to keep.
        notes: Bounds of the stage, equalities checked, work left out.
    """

    stage: str
    title: str
    work: str
    unit: str
    rows: list[Measurement]
    targets: list[Target] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)

    def row(self, name: str) -> Measurement:
        """The contender of that name."""
        return next(row for row in self.rows if row.name == name)

    def ratio(self, name: str, to: str) -> float:
        """Median time of one contender over another's."""
        return self.row(name).median / self.row(to).median

    def as_dict(self) -> dict:
        """For JSON; medians and verdicts written out."""
        content = asdict(self)
        for row, measured in zip(content['rows'], self.rows):
            row['median'] = measured.median if measured.seconds else None
        for target, kept in zip(content['targets'], self.targets):
            target['met'] = kept.met
        return content
