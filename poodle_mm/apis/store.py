"""Feature files of images and videos; a file with its final name is whole."""

from collections.abc import Iterator, Sequence
from itertools import chain
from os import PathLike
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from poodle_mm.apis.encoder import DenseEncoder, load_encoder
from poodle_mm.apis.feature_files import (
    blocks_of,
    check_space,
    digest_of,
    note,
    state_of_files,
    stored,
    unwritten,
    write_npz,
)
from poodle_mm.apis.features import (
    cell_size,
    chosen_frames,
    dense_features,
    load_image,
    video_features,
)
from poodle_mm.apis.pictures import draw_pca
from poodle_mm.datasets.files import IMAGE_EXTENSIONS, VIDEO_EXTENSIONS, find_files
from poodle_mm.datasets.remote.remote_file import RemoteFile
from poodle_mm.datasets.remote.urls import file_name, is_url, suffix_of
from poodle_mm.datasets.video.reader import VideoReader
from poodle_mm.utils.distributed import device_of_process
from poodle_mm.utils.files import replacing
from poodle_mm.utils.progress import Progress
from poodle_mm.utils.shards import WHOLE, Shard


def extract_features(
    checkpoint: str | PathLike,
    source: str | PathLike,
    out: str | PathLike,
    with_sdm: bool | None = None,
    weights: str = 'online',
    step: int = 1,
    memory_map: bool = False,
    pca: bool = False,
    device: str | torch.device | None = None,
    shard: Shard = WHOLE,
    **options,
) -> int:
    """Write the dense features of an image, a folder of images, or a video.

    ``features.json`` beside the files tells how they were made: what an interrupted call with the
    same arguments has written is kept (but for arrays) as long as no image was added or changed;
    anything else is written anew.

    Args:
        checkpoint, with_sdm, weights: Arguments of :func:`load_encoder`.
        source: An image, a folder (searched with its subfolders), a video file or the URL of one.
        out: Folder: ``<stem>.npz`` per image (subfolders kept); for a video ``<stem>/<frame>.npz``,
            or ``<stem>.npy`` with ``memory_map``.
        step: Every ``step``-th frame of a video.
        memory_map: One array for a video instead of a file per frame.
        pca: Also draw ``pca.png``: up to 8 of the images or frames, evenly spaced.
        device: Device of the encoder; default the GPU, if there is one.
        shard: Part of the images or frames to do. All parts together write the same files as one
            process does, byte for byte; the first one draws.
        **options: ``size``, ``batch_size`` and ``half`` of :func:`save_video_features`.

    Returns:
        Number of images or frames of this part.

    Raises:
        FileNotFoundError: If the checkpoint or the source does not exist.
        ValueError: If the source is of another kind, or two images would share a file.
    """
    out = Path(out)
    source = _file_or_folder(source)
    is_video = isinstance(source, RemoteFile) or (
        source.suffix.lower() in VIDEO_EXTENSIONS and source.is_file()
    )
    images = [] if is_video else _images(source)
    if memory_map and not is_video:
        raise ValueError(f'{source} is not a video: a memory map needs frames of one size')
    if memory_map and shard.count > 1:
        raise ValueError('a memory map is one file: let one process write it, or leave it out')
    device = device or device_of_process()
    encoder = load_encoder(checkpoint, with_sdm, weights, device)
    if isinstance(source, RemoteFile):
        root, place = source, [str(source), *source.state]
    else:
        root = source if is_video or source.is_dir() else source.parent
        place = [str(root.absolute()), state_of_files([source] if is_video else images)]
    facts = dict(options, source=place, step=step, weights=weights)
    facts |= dict(checkpoint=digest_of(checkpoint), with_sdm=encoder.neck is not None)
    if is_video:
        stem = Path(file_name(str(source))).stem
        target = out / (f'{stem}.npy' if memory_map else stem)
        if not memory_map:
            options |= dict(shard=shard, since=note(target, facts))
        count = save_video_features(encoder, source, target, step=step, **options)
    else:
        targets = [out / path.relative_to(root).with_suffix('.npz') for path in images]
        if len(set(targets)) < len(targets):
            double = next(t for t in targets if targets.count(t) > 1)
            raise ValueError(f'{source}: two images would be written to {double}')
        since = note(out, facts)
        count = save_image_features(encoder, images, targets, shard=shard, since=since, **options)
    if pca and shard.is_first:
        if is_video:
            with VideoReader(source) as reader:
                numbers = _evenly(chosen_frames(reader, step))
                shown = reader.read(numbers)
                titles = [f'frame {n}, {reader.timestamps[n]:.2f} s' for n in numbers]
        else:
            shown = _evenly(images)
            titles = [path.name for path in shown]
        sizes = options.get('size'), options.get('batch_size', 8)
        figure = draw_pca(encoder, shown, *sizes, titles)
        with replacing(out / 'pca.png') as temporary:
            figure.savefig(temporary, format='png')
    return count


def save_video_features(
    encoder: DenseEncoder,
    video: str | PathLike | RemoteFile,
    out: str | PathLike,
    size: tuple[int, int] | None = None,
    batch_size: int = 8,
    step: int = 1,
    half: bool = False,
    shard: Shard = WHOLE,
    since: int | None = None,
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
        shard: Part of the frames to do, where each has its file.
        since: Files written at this time or later (nanoseconds) are kept; None keeps none.

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
    blocks = blocks_of(len(frames), batch_size, shard)
    names = [out / f'{frame:06d}.npz' for frame in frames]
    todo = unwritten(blocks, names, since)
    todo = frames[np.array([n for block in todo for n in block], np.int64)].tolist()
    items = video_features(encoder, video, size, batch_size, step, todo)
    items = Progress(items, desc=file_name(str(video)), total=len(todo), unit='frame')
    if out.suffix != '.npy':
        for frame, second, features in items:
            features = stored(features, half, f'{video}: frame {frame}')
            path, frame = out / f'{frame:06d}.npz', np.int64(frame)
            write_npz(path, features=features, frame=frame, seconds=np.float64(second), cell=cell)
        return sum(map(len, blocks))
    maps = (stored(item.features, half, f'{video}: frame {item.frame}') for item in items)
    with replacing(out) as temporary:
        first = next(maps)
        shape = (len(frames), *first.shape)
        check_space(out, shape, first.dtype)
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
    shard: Shard = WHOLE,
    since: int | None = None,
) -> int:
    """Write the map of each image, with a progress bar.

    Args:
        images: Image files.
        out: The ``.npz`` file of each: ``features`` (C, h, w) and ``cell`` (see :func:`cell_size`).
        encoder, size, batch_size: Arguments of :func:`dense_features`.
        half, shard, since: See :func:`save_video_features`.

    Returns:
        Number of images.

    Raises:
        FileNotFoundError, ValueError: Naming the image that is missing or not an image, or
            has features beyond float16's range.
    """
    blocks = blocks_of(len(out), batch_size, shard)
    todo = unwritten(blocks, out, since)
    with Progress(total=sum(map(len, todo)), unit='image') as progress:
        for block in todo:
            cells = []

            def load(block=block, cells=cells) -> Iterator[Tensor]:
                for n in block:
                    image = load_image(images[n])
                    cells.append(cell_size(encoder, image.shape[1:], size))
                    yield image

            maps = dense_features(encoder, load(), size, batch_size)
            for place, (n, features) in enumerate(zip(block, maps, strict=True)):
                kept = stored(features, half, str(images[n]))
                write_npz(out[n], features=kept, cell=cells[place])
                progress.update()
    return sum(map(len, blocks))


def _file_or_folder(source: str | PathLike) -> Path | RemoteFile:
    """A path, or the file behind a URL, which has to be a video.

    Raises:
        ValueError: If a URL does not end as videos do.
    """
    if not is_url(source):
        return Path(source)
    if suffix_of(source) not in VIDEO_EXTENSIONS:
        kinds = ', '.join(VIDEO_EXTENSIONS)
        raise ValueError(f'{source}: of URLs single videos are read, which end with {kinds}')
    return RemoteFile(source)


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
