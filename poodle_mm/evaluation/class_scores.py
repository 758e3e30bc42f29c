"""IoU of each class in the results of readouts, over seeds, and the groups of the classes."""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from poodle_mm.checkpoints.config_text import read_config_text
from poodle_mm.evaluation.class_groups import group_means
from poodle_mm.evaluation.published_tables import BDD100K_GROUPS

GROUPS = ('small', 'large', 'rare', 'common')
_ROUNDING = 0.02  # results are rounded to 0.01


@dataclass(frozen=True)
class Score:
    """A score of several seeds.

    Attributes:
        mean: Over the seeds that have one; None if none has.
        std: Standard deviation (n - 1); None of a single seed.
        values: Scores of the seeds that have one.
    """

    mean: float | None
    std: float | None
    values: tuple[float, ...]


@dataclass(frozen=True)
class ClassScores:
    """Scores of several runs on the same classes.

    Attributes:
        classes: Names.
        groups: ``GROUPS`` to names of classes.
        runs: Name to the metrics of each seed: ``per_class``, ``miou`` and groups.
    """

    classes: tuple[str, ...]
    groups: dict[str, list[str]]
    runs: dict[str, list[dict]]

    def of_class(self, run: str, name: str) -> Score:
        """IoU of a class."""
        return score([metrics['per_class'].get(name) for metrics in self.runs[run]])

    def of_group(self, run: str, name: str) -> Score:
        """Mean IoU of a group, or of all classes (``'all'``)."""
        members = self.classes if name == 'all' else self.groups[name]
        return score([mean_of(metrics['per_class'], members) for metrics in self.runs[run]])


def score(values: Sequence[float | None]) -> Score:
    """Mean and spread of the values that are not None."""
    known = tuple(float(value) for value in values if value is not None)
    std = float(np.std(known, ddof=1)) if len(known) > 1 else None
    return Score(float(np.mean(known)) if known else None, std, known)


def mean_of(per_class: Mapping[str, float | None], members: Sequence[str]) -> float | None:
    """Mean over the classes that have a score; None if none has."""
    values = np.array([per_class.get(name) for name in members], float)
    mean = group_means(values, dict(group=range(len(values))))['group']
    return None if np.isnan(mean) else mean


def read_class_scores(
    arguments: Sequence[str], readout: str = 'linear', groups: str | Path | None = None
) -> ClassScores:
    """Scores of runs from the files that readouts leave.

    Args:
        arguments: ``[NAME=]PATH``: a ``result.json``, a table's ``<suite>.json``, or a folder with
            files of the first kind below it; those of one name are its seeds.
        readout: Which readout's results.
        groups: File of ``tools/analysis/class_groups.py``; None takes the groups that the readout
            was scored with, from the config beside its result.

    Raises:
        FileNotFoundError: If there are no such results.
        ValueError: If runs have other classes, a result is named twice, or groups are unknown or
            not those of the results.
    """
    runs, found, classes = {}, None, None
    seen = set()
    for argument in arguments:
        for name, metrics, folder in _results(argument, readout):
            own = tuple(metrics['per_class'])
            if classes is not None and own != classes:
                raise ValueError(f'{argument} has other classes than {arguments[0]}')
            if folder.resolve() in seen:
                raise ValueError(f'the result of {folder} is named twice: it is one seed')
            classes = own
            seen.add(folder.resolve())
            runs.setdefault(name, []).append(metrics)
            found = found or _groups_beside(folder)
    if groups is not None:
        found = _read_groups(Path(groups), classes)
    if found is None:
        raise ValueError(
            'the groups of the classes are unknown, as no config lies beside the results: give '
            '--groups FILE, from tools/analysis/class_groups.py'
        )
    scores = ClassScores(classes, {name: list(found.get(name, ())) for name in GROUPS}, runs)
    _check_groups(scores)
    return scores


def _results(argument: str, readout: str) -> Iterator[tuple[str, dict, Path]]:
    """Name, metrics and folder of each result of an argument."""
    name, equals, path = argument.partition('=')
    if not (equals and name and '/' not in name):
        name, path = '', argument
    path = Path(path)
    files = [path] if path.is_file() else sorted(path.rglob('result.json'))
    count = 0
    for file in files:
        content = json.loads(file.read_text(encoding='utf-8'))
        for label, metrics, folder in _entries(content, file, readout):
            if 'miou' in metrics:
                count += 1
                yield name or label, metrics, folder
    if not count:
        raise FileNotFoundError(
            f'{path}: no result of the readout {readout!r}; tools/evaluate.py leaves result.json '
            'and <suite>.json'
        )


def _entries(content: Mapping, file: Path, readout: str) -> Iterator[tuple[str, dict, Path]]:
    if 'results' not in content:  # result.json in <name>/<readout>_s<seed>
        kind = file.parent.name.rsplit('_s', 1)[0]
        if kind == readout or len(file.parts) < 3:
            yield file.parent.parent.name, content.get('metrics', {}), file.parent
        return
    for own in content['results']:
        if own['readout'] == readout:
            folder = file.parent / content['suite'] / own['name'].replace('/', '_')
            yield own['name'], own['metrics'], folder / f'{readout}_s{own["seed"]}'


def _groups_beside(folder: Path) -> dict[str, list[str]] | None:
    """Groups in the config beside a result; the config is read as data."""
    for file in sorted(folder.glob('*.py')):
        text = file.read_text(encoding='utf-8')
        groups = read_config_text(text, 'test_evaluator').get('test_evaluator', {}).get('groups')
        if groups:
            return BDD100K_GROUPS if groups == 'bdd100k' else groups
    return None


def _read_groups(file: Path, classes: Sequence[str]) -> dict[str, list[str]]:
    if not file.is_file():
        raise FileNotFoundError(f'class groups {file}: no such file')
    content = json.loads(file.read_text(encoding='utf-8'))
    if tuple(content['classes']) != tuple(classes):
        raise ValueError(f'{file} has other classes than the results')
    return {name: [classes[k] for k in ids] for name, ids in content['groups'].items()}


def _check_groups(scores: ClassScores) -> None:
    """Make sure that the groups' means are those that the readouts reported."""
    for run, seeds in scores.runs.items():
        for metrics in seeds:
            for name, members in scores.groups.items():
                own, reported = mean_of(metrics['per_class'], members), metrics.get(name)
                if None not in (own, reported) and abs(own - reported) > _ROUNDING:
                    raise ValueError(
                        f'{run}: its mean over the {name} classes is {own:.2f}, but its result '
                        f'says {reported}: it was scored with other groups'
                    )
