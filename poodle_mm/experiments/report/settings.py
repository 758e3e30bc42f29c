"""Settings of runs: what differs from the published config, and between runs; the environment."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from poodle_mm.checkpoints.config_text import read_config_text
from poodle_mm.engine.config import load_config
from poodle_mm.engine.resume_changes import config_leaves
from poodle_mm.experiments.report.runs import LoggedRun

_LONGEST = 160  # characters of a value
_USED = (
    'model', 'train_dataloader', 'optim_wrapper', 'param_scheduler', 'train_cfg', 'custom_hooks',
    'randomness', 'auto_scale_lr', 'allow_tf32',
)  # fmt: skip
_ABSENT = '–'


@dataclass(frozen=True)
class Difference:
    """Options that differ.

    Attributes:
        title: What is compared.
        columns: Names of the configs.
        rows: Option and its value in each config.
    """

    title: str
    columns: Sequence[str]
    rows: Sequence[Sequence[str]]


def differences(runs: Sequence[LoggedRun]) -> list[Difference]:
    """Between the runs, if there are several; then of each run from the config of its name."""
    found = []
    readable = [run for run in runs if run.config]
    if len(readable) > 1:
        rows = different([run.config for run in readable])
        found.append(Difference('Between the runs', [run.label for run in readable], rows))
    for run in readable:
        name, base = published(run)
        if base is None:
            continue
        rows = different([base, run.config])
        title = f'{run.label}: from the config {name} of this version'
        found.append(Difference(title, [name, run.label], rows))
    return found


def different(configs: Sequence[Mapping]) -> list[list[str]]:
    """Rows of options that are not equal in all configs, those that a run is built from first."""
    leaves = [dict(config_leaves(config)) for config in configs]
    rows = []
    for key in dict.fromkeys(key for of_one in leaves for key in of_one):
        values = [_text(of_one[key]) if key in of_one else _ABSENT for of_one in leaves]
        if len(set(values)) > 1:
            rows.append([key, *values])
    return sorted(rows, key=lambda row: row[0].partition('.')[0] not in _USED)


def published(run: LoggedRun) -> tuple[str, Mapping | None]:
    """Name and content of the published config from which a run was started, if it is one."""
    for file in sorted(run.folder.glob('*.py')):
        try:
            config = load_config(file.name)
        except Exception:  # a config of the user's own; whatever is wrong with it, it has trained
            continue
        return file.name, read_config_text(config.pretty_text, strict=False)
    return '', None


def environment(runs: Sequence[LoggedRun]) -> list[list[str]]:
    """Rows of what a run's log says of machine, versions and seeds, a column for each run."""
    columns = [_environment(run) for run in runs]
    return [
        [name, *(column.get(name, _ABSENT) for column in columns)]
        for name in dict.fromkeys(name for column in columns for name in column)
    ]


def _environment(run: LoggedRun) -> dict[str, str]:
    found = {}
    for line in run.environment:
        name, colon, value = line.strip().partition(': ')
        # torch's own build settings fill a screen
        if colon and not name.startswith('-') and name[0] not in '{[' and 'compiling' not in name:
            found[name] = value[:_LONGEST]
    for name in ('device', 'processes'):
        if name in run.stats:
            found[name] = str(run.stats[name])
    for key, value in config_leaves({k: run.config.get(k, {}) for k in ('randomness',)}):
        found[key] = _text(value)
    return found


def _text(value: object) -> str:
    text = repr(value)
    return text if len(text) <= _LONGEST else text[: _LONGEST - 1] + '…'
