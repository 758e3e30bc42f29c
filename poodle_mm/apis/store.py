"""Feature files of images and videos; a file with its final name is whole."""

import shutil
from collections.abc import Iterator, Sequence
from itertools import chain
from os import PathLike
from pathlib import Path

import numpy as np
import torch
from torch import Tensor
from tqdm import tqdm

from poodle_mm.apis.encoder import DenseEncoder, load_encoder
from poodle_mm.apis.features import (
    cell_size,
    chosen_frames,
    dense_features,
    load_image,
    video_features,
)
from poodle_mm.apis.pictures import draw_pca
from poodle_mm.datasets.files import IMAGE_EXTENSIONS, VIDEO_EXTENSIONS, find_files
from poodle_mm.datasets.video.reader import VideoReader
from poodle_mm.utils.files import replacing


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
        checkpoint, with_sdm, weights: Arguments of :func:`load_encoder`.
        source: An image, a folder (searched with its subfolders) or a video file.
        out: Folder: ``<stem>.npz`` per image (subfolders kept); for a video ``<stem>/<frame>.npz``,
            or ``<stem>.npy`` with ``memory_map``.
        size, batch_size, step, half: Arguments of :func:`save_video_features`.
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
        if is_video:
            with VideoReader(source) as reader:
                numbers = _evenly(chosen_frames(reader, step))
                shown = reader.read(numbers)
                titles = [f'frame {n}, {reader.timestamps[n]:.2f} s' for n in numbers]
        else:
            shown = _evenly(images)
            titles = [path.name for path in shown]
        figure = draw_pca(encoder, shown, size, batch_size, titles)
        with replacing(out / 'pca.png') as temporary:
            figure.savefig(temporary, format='png')
    return count


def save_video_features(
    encoder: DenseEncoder,
    video: str | PathLike,
    out: str | PathLike,
    size: tuple[int, int] | None = None,
    batch_size: int = 8,
    step: int = 1,
    half: bool = False,
) -> int:
    """Write the maps of a video's frames, with a progress bar.

    Args:
        out: A name ending in ``.npy`` becomes one array (N, C, h, w), for
            ``numpy.load(out, mmap_mode='r')``, and ``<stem>_frames.npz`` beside it holds ``frame``
            (N,) and ``seconds`` (N,). Any other name becomes a folder with ``<frame>.npz`` each:
            ``features`` (C, h, w), ``frame``, ``seconds`` and ``cell``, a cell's size in pixels of
            the video (see :func:`cell_size`).
        encoder, video, size, batch_size, step: Arguments of :func:`video_features`.
        half: Store float16 instead of float32.

    Returns:
        Number of frames.

    Raises:
        FrameReadError: If the video or a frame of it cannot be read.
        OSError: If the array does not fit on the disk.
        ValueError: If a feature is beyond float16's range.
    """
    out = Path(out)
    with VideoReader(video) as reader:
        frames = np.array(chosen_frames(reader, step))
        seconds = reader.timestamps[frames]
        cell = cell_size(encoder, reader.read([0])[0].shape[:2], size)
    items = video_features(encoder, video, size, batch_size, step)
    items = tqdm(items, desc=Path(video).name, total=len(frames), unit='frame')
    maps = (_stored(item.features, half, f'{video}: frame {item.frame}') for item in items)
    if out.suffix != '.npy':
        for frame, second, features in zip(frames, seconds, maps):
            path = out / f'{frame:06d}.npz'
            write_npz(path, features=features, frame=frame, seconds=second, cell=cell)
        return len(frames)
    with replacing(out) as temporary:
        first = next(maps)
        shape = (len(frames), *first.shape)
        _check_space(out, shape, first.dtype)
        array = np.lib.format.open_memmap(temporary, 'w+', first.dtype, shape)
        for row, features in enumerate(chain([first], maps)):
            array[row] = features
        array.flush()
        index = out.with_name(f'{out.stem}_frames.npz')
        write_npz(index, frame=frames, seconds=seconds, cell=cell)
    return len(frames)


def save_image_features(
    encoder: DenseEncoder,
    images: Sequence[str | PathLike],
    out: Sequence[str | PathLike],
    size: tuple[int, int] | None = None,
    batch_size: int = 8,
    half: bool = False,
) -> None:
    """Write the map of each image, with a progress bar.

    Args:
        images: Image files.
        out: The ``.npz`` file of each: ``features`` (C, h, w) and ``cell`` (see :func:`cell_size`).
        encoder, size, batch_size: Arguments of :func:`dense_features`.
        half: Store float16 instead of float32.

    Raises:
        FileNotFoundError, ValueError: Naming the image that is missing or not an image, or
            has features beyond float16's range.
    """
    cells = []

    def load() -> Iterator[Tensor]:
        for path in images:
            image = load_image(path)
            cells.append(cell_size(encoder, image.shape[1:], size))
            yield image

    maps = dense_features(encoder, load(), size, batch_size)
    for n, features in enumerate(tqdm(maps, total=len(images), unit='image')):
        write_npz(out[n], features=_stored(features, half, str(images[n])), cell=cells[n])


def write_npz(path: str | PathLike, **arrays) -> None:
    """``numpy.savez`` under a temporary name in the same folder, then renamed."""
    with replacing(path) as temporary, open(temporary, 'wb') as file:
        np.savez(file, **arrays)


def _stored(features: Tensor, half: bool, name: str) -> np.ndarray:
    if not half:
        return features.numpy()
    largest = features.abs().max().item()
    if largest > float(np.finfo(np.float16).max):
        raise ValueError(f'{name} has a feature of size {largest:.3g}, too large for float16')
    return features.half().numpy()


def _check_space(path: Path, shape: Sequence[int], dtype: np.dtype) -> None:
    # A memory map that outgrows the disk kills the process without a message.
    needed = int(np.prod(shape)) * dtype.itemsize
    free = shutil.disk_usage(path.parent).free
    if needed > free:
        raise OSError(
            f'{path} needs {needed / 1e9:.1f} GB and {free / 1e9:.1f} GB are free: take a larger '
            'step, a smaller size or half precision'
        )


def _images(source: Path) -> list[Path]:
    if source.is_dir():
        return [source / name for name in find_files(source, IMAGE_EXTENSIONS)]
    if not source.is_file():
        raise FileNotFoundError(f'{source} does not exist')
    if source.suffix.lower() not in IMAGE_EXTENSIONS:
        kinds = ', '.join((*IMAGE_EXTENSIONS, *VIDEO_EXTENSIONS))
        raise ValueError(f'{source} is neither a folder nor a file of these kinds: {kinds}')
    return [source]


def _evenly(items: Sequence) -> list:
    chosen = np.linspace(0, len(items) - 1, min(len(items), 8)).round().astype(int)
    return [items[n] for n in chosen]
