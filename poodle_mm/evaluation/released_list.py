"""The list of published weights: what they are, where they come from, whether they are here."""

from pathlib import Path

from poodle_mm.checkpoints.released_files import weights_folder
from poodle_mm.checkpoints.released_weights import RELEASED, ReleasedWeights


def released_list(folder: str | Path | None = None) -> str:
    """All published weights, some lines for each, as a terminal shows them.

    Args:
        folder: Argument of :func:`~poodle_mm.checkpoints.released_files.weights_folder`.
    """
    place = weights_folder(folder)
    blocks = [_block(weights, place) for weights in RELEASED.values()]
    return '\n\n'.join(
        [
            *blocks,
            f'Folder: {place} (--weights-dir, or $TORCH_HOME/hub/checkpoints).\n'
            'paper: the row that they stand for. page: no plain download; put the file into the\n'
            'folder under the name given.',
        ]
    )


def _block(weights: ReleasedWeights, folder: Path) -> str:
    arch = weights.arch + ('/16' if weights.arch == 'ViT-S' else '')
    here = 'here' if (folder / weights.file).is_file() else 'not here'
    sha = f'; SHA-256 begins with {weights.sha256}' if weights.sha256 else ''
    lines = {
        'what': f'{weights.method}, {arch}, {weights.data}, {weights.epochs} epochs',
        'paper': _paper(weights),
        'file': f'{weights.file}{sha}',
        'keys': weights.keys,
        'licence': weights.licence,
        'url' if weights.url else 'page': weights.url or weights.page,
        'note': weights.note,
    }
    shown = [f'  {name:<9}{text}' for name, text in lines.items() if text]
    return '\n'.join([f'{weights.name} [{here}]', *shown])


def _paper(weights: ReleasedWeights) -> str:
    if not weights.row:
        return ''
    method, arch, epochs, data = weights.row
    *others, last = map(str, weights.tables)
    tables = f'Tables {", ".join(others)} and {last}' if others else f'Table {last}'
    return f'{tables}: {method} {arch}, {epochs} epochs, {data}'
