"""What went worst in a run: pairs with the largest loss or the fewest pixels, unreadable files."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from poodle_mm.engine.hooks.worst_pairs_hook import CRITERIA, WORST_PAIRS
from poodle_mm.experiments.report.pictures import embedded
from poodle_mm.experiments.report.runs import LoggedRun
from poodle_mm.utils.files import read_json

_WIDEST = 900
_SAMPLED = re.compile(r'(.+?); another sample is taken \(file \d+ in this process\)', re.DOTALL)
_INDEXED = re.compile(r'.*: (\d+) of \d+ files cannot be used, among them')


@dataclass(frozen=True)
class WorstPair:
    """A pair in the gallery.

    Attributes:
        value: Its value of the criterion, in words.
        facts: Source, frames, iteration and seed.
        data: Its picture as a ``data:`` URL; empty if there is none.
    """

    value: str
    facts: Sequence[str]
    data: str


@dataclass(frozen=True)
class Gallery:
    """The failures of a run.

    Attributes:
        label: Name of the run.
        worst: Title of a criterion to its pairs, the worst first.
        unreadable: File to what is wrong with it.
        note: What is missing, a sentence.
    """

    label: str
    worst: Mapping[str, Sequence[WorstPair]]
    unreadable: Mapping[str, str]
    note: str = ''


def gallery_of(run: LoggedRun) -> Gallery:
    """Pairs that :class:`~poodle_mm.engine.hooks.worst_pairs_hook.WorstPairsHook` has kept."""
    content = read_json(run.folder / WORST_PAIRS)
    content = content if isinstance(content, Mapping) else {}
    criteria = content.get('criteria')
    worst = {}
    for name, title in CRITERIA.items():
        pairs = criteria.get(name) if isinstance(criteria, Mapping) else None
        found = [_pair(run.folder, pair) for pair in pairs or () if isinstance(pair, Mapping)]
        if found:
            worst[title] = found
    note = '' if worst else f'No pairs were kept: {WORST_PAIRS} is missing, damaged or empty.'
    bad = content.get('unreadable')
    bad = {str(k): str(v) for k, v in bad.items()} if isinstance(bad, Mapping) else {}
    return Gallery(run.label, worst, bad | unreadable_files(run.warnings), note)


def unreadable_files(warnings: Mapping[str, int]) -> dict[str, str]:
    """Files that a log's warnings name as unreadable, with the reason."""
    found = {}
    for text in warnings:
        if sampled := _SAMPLED.fullmatch(text):
            path, _, reason = sampled[1].partition(': ')
            found[path] = reason
        elif _INDEXED.match(text):
            for line in text.splitlines()[1:]:
                path, colon, reason = line.strip().partition(': ')
                if colon:
                    found[path] = reason
    return found


def _pair(folder: Path, pair: Mapping) -> WorstPair:
    facts = [f'{name}: {pair[key]}' for key, name in _FACTS.items() if pair.get(key) is not None]
    file = folder / str(pair.get('picture', ''))
    inside = file.is_file() and folder.resolve() in file.resolve().parents
    return WorstPair(str(pair.get('text', pair.get('value', ''))), facts,
                     embedded(file, _WIDEST) if inside else '')  # fmt: skip


_FACTS = dict(source='file', frame_ids='frames', iter='iteration', seed='seed')
