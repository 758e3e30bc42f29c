"""From a checkpoint and a path to feature files: what ``tools/extract_features.py`` calls."""

from os import PathLike
from pathlib import Path

import numpy as np
import torch

from poodle_mm.apis.encoder import load_encoder
from poodle_mm.apis.features import Image
from poodle_mm.apis.pictures import draw_pca
from poodle_mm.apis.store import save_image_features, save_video_features
from poodle_mm.apis.video import chosen_frames
from poodle_mm.datasets.files import IMAGE_EXTENSIONS, VIDEO_EXTENSIONS, find_files
from poodle_mm.datasets.video.reader import VideoReader
from poodle_mm.utils.files import replacing

_PICTURES = 8


def extract_features(
    checkpoint: str | PathLike,
    source: str | PathLike,
    out: str | PathLike,
    with_sdm: bool | None = None,
    weights: str = 'online',
    size: tuple[int, int] | None = None,
    batch_size: int = 8,
    step: int = 1,
    half: bool = False,
    memory_map: bool = False,
    pca: bool = False,
    device: str | torch.device | None = None,
) -> int:
    """Write the dense features of an image, a folder of images, or a video.

    Args:
        checkpoint, with_sdm, weights: As in :func:`load_encoder`.
        source: An image, a folder (searched with its subfolders) or a video file.
        out: Folder: ``<stem>.npz`` per image (subfolders kept); for a video ``<stem>/<frame>.npz``,
            or ``<stem>.npy`` with ``memory_map``.
        size, batch_size, step, half: As in :func:`save_video_features`.
        memory_map: One array for a video instead of a file per frame.
        pca: Also draw ``pca.png``: up to 8 of the images or frames, evenly spaced.
        device: Device of the encoder; default the GPU, if there is one.

    Returns:
        Number of images or frames.

    Raises:
        FileNotFoundError: If the checkpoint or the source does not exist.
        ValueError: If the source is of another kind, or two images would share a file.
    """
    source, out = Path(source), Path(out)
    is_video = source.suffix.lower() in VIDEO_EXTENSIONS and source.is_file()
    images = [] if is_video else _images(source)
    if memory_map and not is_video:
        raise ValueError(f'{source} is not a video: a memory map needs frames of one size')
    device = device or ('cuda' if torch.cuda.is_available() else 'cpu')
    encoder = load_encoder(checkpoint, with_sdm, weights, device)
    options = dict(size=size, batch_size=batch_size, half=half)
    if is_video:
        target = out / (f'{source.stem}.npy' if memory_map else source.stem)
        count = save_video_features(encoder, source, target, step=step, **options)
    else:
        root = source if source.is_dir() else source.parent
        targets = [out / path.relative_to(root).with_suffix('.npz') for path in images]
        if len(set(targets)) < len(targets):
            double = next(t for t in targets if targets.count(t) > 1)
            raise ValueError(f'{source}: two images would be written to {double}')
        save_image_features(encoder, images, targets, **options)
        count = len(images)
    if pca:
        shown, titles = _some_frames(source, step) if is_video else _some_images(images)
        figure = draw_pca(encoder, shown, size, batch_size, titles)
        with replacing(out / 'pca.png') as temporary:
            figure.savefig(temporary, format='png')
    return count


def _images(source: Path) -> list[Path]:
    if source.is_dir():
        return [source / name for name in find_files(source, IMAGE_EXTENSIONS)]
    if not source.is_file():
        raise FileNotFoundError(f'{source} does not exist')
    if source.suffix.lower() not in IMAGE_EXTENSIONS:
        kinds = ', '.join((*IMAGE_EXTENSIONS, *VIDEO_EXTENSIONS))
        raise ValueError(f'{source} is neither a folder nor a file of these kinds: {kinds}')
    return [source]


def _evenly(count: int) -> list[int]:
    return np.linspace(0, count - 1, min(count, _PICTURES)).round().astype(int).tolist()


def _some_images(images: list[Path]) -> tuple[list[Image], list[str]]:
    shown = [images[n] for n in _evenly(len(images))]
    return shown, [path.name for path in shown]


def _some_frames(video: Path, step: int) -> tuple[list[Image], list[str]]:
    with VideoReader(video) as reader:
        frames = chosen_frames(reader, step)
        shown = [frames[n] for n in _evenly(len(frames))]
        return reader.read(shown), [f'frame {n}, {reader.timestamps[n]:.2f} s' for n in shown]
