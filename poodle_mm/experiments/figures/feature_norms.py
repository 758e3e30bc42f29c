"""Norms of the last feature layer over images, for several checkpoints (PooDLe, Figure 15)."""

from collections.abc import Iterable, Sequence
from pathlib import Path

import torch
import torch.nn.functional as F
from torch import Tensor
from torchvision.transforms.functional import normalize

from poodle_mm.apis.encoder import DenseEncoder, build_encoder
from poodle_mm.apis.features import load_image
from poodle_mm.catalog import IMAGENET_MEAN, IMAGENET_STD
from poodle_mm.datasets.files import find_files
from poodle_mm.evaluation.evaluate import Entry, read_entries
from poodle_mm.experiments.figures.output import write_analysis
from poodle_mm.geometry.token_statistics import effective_rank, token_norms
from poodle_mm.utils.modules import evaluating, map_before_norm
from poodle_mm.visualization.images import to_images
from poodle_mm.visualization.token_figure import draw_norm_maps

ENCODER, DECODER = 'encoder', 'decoder'
_ENDINGS = ('.png', '.jpg', '.jpeg', '.bmp', '.webp')


def write_feature_norms(
    out: str | Path,
    checkpoints: Sequence[str],
    images: Sequence[str | Path],
    number: int = 3,
    size: tuple[int, int] | None = None,
    layers: Sequence[str] = (ENCODER, DECODER),
    **reading,
) -> tuple[str, list[Path]]:
    """Draw and measure the norms of several checkpoints' features.

    Args:
        out: Argument of :func:`~poodle_mm.experiments.figures.output.write_analysis`.
        checkpoints: Arguments of :func:`~poodle_mm.evaluation.evaluate.read_entries`.
        images: Files, or folders of which ``number`` files are taken, evenly spread.
        number: Images of each folder.
        size: (H, W) to which images are resized; None keeps the first one's size.
        layers: ``'encoder'`` for its last map, before a final norm; ``'decoder'`` for the map of
            the spatial decoder, where there is one.
        reading: Further arguments of :func:`~poodle_mm.evaluation.evaluate.read_entries`.

    Returns:
        The line of text and the files.

    Raises:
        FileNotFoundError, ValueError: For a checkpoint or an image that is missing or not one.
    """
    entries = read_entries(checkpoints, **reading)
    files = chosen_images(images, number)
    photos = resized([load_image(file) for file in files], size)
    maps = {}
    for entry in entries:
        encoder = build_encoder(entry.encoder)
        for layer in layers:
            if layer == ENCODER or encoder.neck is not None:
                maps[network_name(entry, entries, encoder, layer)] = last_map_of(
                    encoder, photos, layer
                )
    if not maps:
        raise ValueError('none of the checkpoints has a decoder: leave out `--layers decoder`')
    rows, notes, words = [], {}, []
    for name, own in maps.items():
        rows += [
            dict(network=name, image=file.name, **statistics(own[k : k + 1]))
            for k, file in enumerate(files)
        ]
        rows.append(whole := dict(network=name, image='all', **statistics(own)))
        notes[name] = (
            f'{whole["channels"]} channels, {whole["height"]} x {whole["width"]} cells: '
            + (numbers := _numbers(whole))
        )
        words.append(f'{name}: {numbers}')
    norms = {name: list(own.norm(dim=1)) for name, own in maps.items()}
    figure = draw_norm_maps(list(to_images(photos)), norms, notes)
    text = (
        f'L2 norms of the last feature layer, {len(files)} images of '
        f'{photos.shape[2]} x {photos.shape[3]} pixels. {"; ".join(words)}.'
    )
    return text, write_analysis(out, figure, rows, text)


def chosen_images(paths: Iterable[str | Path], number: int) -> list[Path]:
    """Files as given, and of each folder ``number`` of its images, evenly spread.

    Raises:
        FileNotFoundError: If a file or folder does not exist, or a folder has no image.
    """
    if number < 1:
        raise ValueError(f'number of images must be positive, got {number}')
    files = []
    for path in map(Path, paths):
        if not path.is_dir():
            files.append(path)
            continue
        found = find_files(path, _ENDINGS)
        count = min(number, len(found))
        files += [path / found[int((k + 0.5) * len(found) / count)] for k in range(count)]
    return files


def resized(images: Sequence[Tensor], size: tuple[int, int] | None = None) -> Tensor:
    """Images (3, H, W) as one tensor, of the first one's size or of another one."""
    size = size or images[0].shape[1:]
    options = dict(size=tuple(size), mode='bilinear', antialias=True)
    return torch.cat([F.interpolate(image[None], **options) for image in images]).clamp(0, 1)


@torch.no_grad()
def last_map_of(encoder: DenseEncoder, images: Tensor, layer: str = ENCODER) -> Tensor:
    """The last map of the encoder, as its last layer leaves it, or of its decoder.

    Args:
        encoder: The encoder.
        images: (N, 3, H, W), RGB in [0, 1].
        layer: ``'encoder'`` or ``'decoder'``.

    Returns:
        float32 (N, C, h, w); cells in the padding alone are cut off.
    """
    images = normalize(images, IMAGENET_MEAN, IMAGENET_STD)
    with evaluating(encoder):
        if layer == DECODER:
            return encoder(images)
        height, width = images.shape[-2:]
        step = encoder.multiple
        padded = F.pad(images, (0, -width % step, 0, -height % step))
        return map_before_norm(encoder.backbone, padded)[..., : -(-height // step), :]


def statistics(maps: Tensor) -> dict[str, float]:
    """Channels, cells, norms and effective rank of maps (N, C, h, w); the rank of all together."""
    norms = {name.removeprefix('token_'): float(v) for name, v in token_norms(maps).items()}
    rank = float(effective_rank(maps.movedim(1, -1).flatten(0, 2)))
    _, channels, height, width = maps.shape
    return dict(channels=channels, height=height, width=width, **norms, rank=rank)


def network_name(entry: Entry, entries: Sequence[Entry], encoder: DenseEncoder, layer: str) -> str:
    """Name of a row; the seed and the layer only where they tell rows apart."""
    alike = sum(other.name == entry.name for other in entries) > 1
    name = f'{entry.name} (seed {entry.seed})' if alike else entry.name
    return name if encoder.neck is None else f'{name}, {layer}'


def _numbers(found: dict) -> str:
    return (
        f'mean norm {found["norm"]:.3g}, largest / median {found["norm_peak"]:.2f}, '
        f'above 3 medians {100 * found["norm_outliers"]:.1f} %, '
        f'effective rank {found["rank"]:.1f}'
    )
