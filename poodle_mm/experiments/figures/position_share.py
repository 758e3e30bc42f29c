"""How much of the features of several checkpoints is the place in the image, and a look at it."""

import math
from collections.abc import Sequence
from pathlib import Path

import torch
from torch import Tensor

from poodle_mm.apis.encoder import build_encoder
from poodle_mm.apis.features import load_image
from poodle_mm.evaluation.evaluate import read_entries
from poodle_mm.experiments.figures.feature_norms import (
    DECODER,
    ENCODER,
    chosen_images,
    last_map_of,
    network_name,
    resized,
)
from poodle_mm.experiments.figures.output import write_analysis
from poodle_mm.geometry.position_share import content_and_place, position_share
from poodle_mm.utils.progress import Progress
from poodle_mm.visualization.images import to_images
from poodle_mm.visualization.pca import feature_pca
from poodle_mm.visualization.place_figure import draw_places

_ALL = 10**9


def write_position_shares(
    out: str | Path,
    checkpoints: Sequence[str],
    images: str | Path,
    size: tuple[int, int] | None = None,
    shown: int = 3,
    layers: Sequence[str] = (ENCODER, DECODER),
    shift: int = 64,
    **reading,
) -> tuple[str, list[Path]]:
    """Measure the position share of several checkpoints' features, and draw some features.

    The colours are the first three principal components over the images that are shown: where
    features are the place alone, every image has the same picture.

    Args:
        out: Argument of :func:`~poodle_mm.experiments.figures.output.write_analysis`.
        checkpoints: Arguments of :func:`~poodle_mm.evaluation.evaluate.read_entries`.
        images: Folder of images, all of which are measured.
        size: (H, W) to which images are resized; None keeps the first one's size.
        shown: Images that are drawn, evenly spread.
        layers: ``'encoder'`` for its last map, ``'decoder'`` for that of the spatial decoder.
        shift: Distance in pixels, a multiple of the stride, of two windows of each image of which
            :func:`~poodle_mm.geometry.position_share.content_and_place` tells; 0: not measured.
        reading: Further arguments of :func:`~poodle_mm.evaluation.evaluate.read_entries`.

    Returns:
        The line of text and the files.

    Raises:
        FileNotFoundError, ValueError: For a checkpoint or an image that is missing or not one, or
            fewer than two images.
    """
    entries = read_entries(checkpoints, **reading)
    files, drawn = chosen_images([images], _ALL), chosen_images([images], shown)
    size = size or load_image(files[0]).shape[1:]
    width = size[1] - shift  # of a window
    if width <= shift:
        raise ValueError(
            f'windows {shift} pixels apart need images wider than {2 * shift} pixels, these have '
            f'{size[1]}: give a smaller --shift, or 0'
        )
    rows, colours = [], {}
    for entry in entries:
        encoder = build_encoder(entry.encoder)
        for layer in layers:
            if layer == DECODER and encoder.neck is None:
                continue
            name = network_name(entry, entries, encoder, layer)
            kept: dict[Path, Tensor] = {}
            windows: tuple[list[Tensor], list[Tensor]] = ([], [])

            def maps(encoder=encoder, layer=layer, kept=kept, windows=windows):
                for file in files:
                    image = resized([load_image(file)], size)
                    (found,) = last_map_of(encoder, image, layer)
                    if file in drawn:
                        kept[file] = found
                    for part, left in zip(windows, (0, shift) if shift else ()):
                        part.append(last_map_of(encoder, image[..., left : left + width], layer))
                    yield found

            share = position_share(Progress(maps(), name, len(files), leave=False))
            network = dict(network=entry.name, seed=entry.seed, layer=layer)
            row = network | dict(images=len(files), share=round(share, 4))
            heading = f'explained by the place: {100 * share:.0f} %'
            if shift:
                first, second = map(torch.cat, windows)
                agreement = content_and_place(first, second, _cells(shift, width, first, name))
                row |= {key: round(value, 4) for key, value in agreement._asdict().items()}
                heading = 'same content {:.2f}, place {:.2f}, neither {:.2f}'.format(*agreement)
            rows.append(row)
            pictures = feature_pca([kept[file] for file in drawn])
            colours[f'{name}\n{heading}'] = pictures
    if not rows:
        raise ValueError('none of the checkpoints has a decoder: leave out `--layers decoder`')
    photos = list(to_images(resized([load_image(file) for file in drawn], size)))
    shares = '; '.join(
        f'{heading.splitlines()[0]} {row["share"]:.3f}'
        + (' ({content:.3f}, {place:.3f}, {neither:.3f})'.format(**row) if shift else '')
        for heading, row in zip(colours, rows)
    )
    text = (
        "Share of the features' variance that the place in the image explains, "
        f'{len(files)} images of {size[0]} x {size[1]} pixels: {shares}.'
    )
    if shift:
        text += (
            f' In brackets: correlation of features of two windows {shift} pixels apart, of one '
            'content, of one place, and of neither.'
        )
    return text, write_analysis(out, draw_places(photos, colours), rows, text)


def _cells(shift: int, width: int, maps: Tensor, name: str) -> int:
    """Pixels as cells of the maps of windows of a width."""
    stride = 2 ** round(math.log2(width / maps.shape[-1]))
    if shift % stride:
        raise ValueError(
            f'{name} has a stride of {stride} pixels, windows are {shift} apart: give a multiple '
            'of it as --shift, or 0'
        )
    return shift // stride
