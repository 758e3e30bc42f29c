"""Result of a check of a data set: counts, problems and what to do about them."""

import os
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path

from poodle_mm.datasets.remote.urls import is_url, join_url
from poodle_mm.utils.shards import WHOLE, Shard

EXAMPLES = 5


@dataclass
class Part:
    """A line of the table.

    Attributes:
        name: Folder or file, relative to the root.
        found: Number of files or entries.
        expected: Number of them in the full data set; None where unknown.
        optional: Whether no config of ours reads it.
    """

    name: str
    found: int
    expected: int | None
    optional: bool = False

    @property
    def status(self) -> str:
        """Judgement of the number."""
        if self.found == 0:
            return 'absent, not needed' if self.optional else 'ABSENT'
        if self.expected is None or self.found == self.expected:
            return 'ok'
        return 'PARTIAL' if self.found < self.expected else 'TOO MANY'


@dataclass
class CheckReport:
    """Collection of what is there, missing and wrong.

    Args:
        title: Name of the data set.
        root: Folder of the data set.
        shard: Part of the files that are opened. What is told without opening files (the table, and
            names that do not fit together) is told by the first part alone.
    """

    title: str
    root: str | os.PathLike
    shard: Shard = WHOLE
    parts: list[Part] = field(default_factory=list)
    problems: dict[tuple[str, str, str], list[str]] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)

    def count(
        self, name: str, found: int, expected: int | None = None, optional: bool = False
    ) -> None:
        """Add a line to the table, in the first shard."""
        if self.shard.is_first:
            self.parts.append(Part(name, found, expected, optional))

    def add(self, part: str, reason: str, advice: str, names: Iterable[str]) -> None:
        """Add files with a problem; those of one part and reason are told together."""
        names = list(names)
        if names:
            self.problems.setdefault((part, reason, advice), []).extend(names)

    def add_once(self, part: str, reason: str, advice: str, names: Iterable[str]) -> None:
        """:meth:`add` in the first shard: what each one would find."""
        if self.shard.is_first:
            self.add(part, reason, advice, names)

    def note(self, part: str, text: str) -> None:
        """Add something to know about a folder or file that is no problem."""
        self.notes.append(f'{self._place(part)}: {text}')

    def _place(self, part: str = '.') -> str:
        """Folder or file of a part from the top of the file system."""
        if is_url(self.root):
            return self.root if part == '.' else join_url(self.root, part)
        return str(Path(self.root, part).absolute())

    @property
    def ok(self) -> bool:
        """No problem, and everything that is needed is there in full number."""
        return not self.problems and all(
            part.status in ('ok', 'absent, not needed') for part in self.parts
        )

    def text(self) -> str:
        """The report for the terminal."""
        width = max((len(part.name) for part in self.parts), default=0)
        lines = [
            f'{self.title}{self.shard.label}: {self._place()}',
            f'{"":{width}}{"found":>10}{"expected":>10}',
        ]
        for part in self.parts:
            expected = '-' if part.expected is None else part.expected
            lines.append(f'{part.name:{width}}{part.found:>10}{expected:>10}  {part.status}')
            if part.status == 'ABSENT':
                lines[-1] += f': nothing in {self._place(part.name)}'
        for (where, reason, advice), names in self.problems.items():
            lines += ['', f'{where}: {len(names)} x {reason}']
            lines += [f'    {name}' for name in sorted(names)[:EXAMPLES]]
            if len(names) > EXAMPLES:
                lines.append(f'    ... and {len(names) - EXAMPLES} more')
            lines.append(f'  -> {advice}')
        lines += [f'note: {note}' for note in self.notes]
        files = sum(map(len, self.problems.values()))
        short = sum(part.status.isupper() for part in self.parts)
        verdict = f'{files} files with problems, {short} parts not whole'
        name = f'{self.title}{self.shard.label}'
        return '\n'.join([*lines, '', f'{name}: {"all right" if self.ok else verdict}'])
