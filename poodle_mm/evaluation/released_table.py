"""The table of published weights: what they are, where they come from, whether they are here."""

from pathlib import Path

from poodle_mm.checkpoints.released_files import weights_folder
from poodle_mm.checkpoints.released_weights import RELEASED, ReleasedWeights
from poodle_mm.utils.tables import markdown_table

_HEAD = (
    'name', 'architecture', 'method', 'data', 'epochs', 'paper', 'here', 'SHA-256', 'licence',
    'keys', 'file', 'source',
)  # fmt: skip


def released_table(folder: str | Path | None = None) -> str:
    """All published weights as a Markdown table.

    Args:
        folder: Argument of :func:`~poodle_mm.checkpoints.released_files.weights_folder`.
    """
    place = weights_folder(folder)
    table = markdown_table(_HEAD, [_cells(weights, place) for weights in RELEASED.values()])
    return (
        f'{table}\n\nFolder: {place} (--weights-dir, or $TORCH_HOME/hub/checkpoints). Paper: the '
        'rows for which they stand; SHA-256: its beginning, where the name of the file has it; '
        'page: no plain download, put the file into the folder under this name.'
    )


def _cells(weights: ReleasedWeights, folder: Path) -> list[str]:
    paper = '–'
    if weights.row:
        method, arch, epochs, data = weights.row
        tables = ', '.join(map(str, weights.tables))
        paper = f'Table {tables}: {method} {arch} {epochs} {data}'
    source = weights.url or f'page: {weights.page}'
    if weights.note:
        source += f' ({weights.note})'
    return [
        weights.name,
        weights.arch + ('/16' if weights.arch == 'ViT-S' else ''),
        weights.method,
        weights.data,
        str(weights.epochs),
        paper,
        'yes' if (folder / weights.file).is_file() else 'no',
        weights.sha256 or '–',
        weights.licence,
        weights.keys,
        weights.file,
        source,
    ]
