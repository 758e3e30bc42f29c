"""Dense features of images and videos, and where in the image their cells are."""

from collections.abc import Iterable, Iterator, Sequence
from os import PathLike
from pathlib import Path
from typing import NamedTuple

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor
from torchvision.transforms.functional import normalize

from poodle_mm.apis.encoder import DenseEncoder
from poodle_mm.catalog import IMAGENET_MEAN, IMAGENET_STD
from poodle_mm.datasets.images import read_image
from poodle_mm.datasets.remote.remote_file import RemoteFile
from poodle_mm.datasets.video.reader import VideoReader

_CHUNK = 32  # frames decoded in one pass from a keyframe: each pass decodes up to a frame again
Image = str | PathLike | np.ndarray | Tensor


class FrameFeatures(NamedTuple):
    """The map of one frame.

    Attributes:
        frame: Number of the frame, from 0.
        seconds: Time after the first frame.
        features: float32 (C, h, w), see :func:`dense_features`.
    """

    frame: int
    seconds: float
    features: Tensor


def dense_features(
    encoder: DenseEncoder,
    images: Iterable[Image],
    size: tuple[int, int] | None = None,
    batch_size: int = 8,
) -> Iterator[Tensor]:
    """Compute the map of each image.

    Images become RGB in [0, 1], are resized to ``size`` if given, normalised by ImageNet's mean and
    standard deviation as in pretraining, and padded by the encoder where their size asks for it
    (:class:`DenseEncoder`). See :func:`cell_size` for the coordinates.

    Args:
        encoder: An encoder in eval mode.
        images: Paths, uint8 RGB arrays (H, W, 3), or tensors (3, H, W), uint8 or float in [0, 1].
            Sizes may differ; neighbours of equal size share a batch.
        size: (H, W) to resize to; None keeps each image's own size.
        batch_size: Largest number of images at a time.

    Yields:
        float32 (C, ceil(H / stride), ceil(W / stride)) on the CPU, in the order of ``images``.

    Raises:
        FileNotFoundError, ValueError: Naming the image that is missing or not an RGB image.
    """
    if batch_size < 1:
        raise ValueError(f'batch_size must be positive, got {batch_size}')
    batch: list[Tensor] = []
    for number, image in enumerate(images):
        tensor = load_image(image, f'image {number}')
        if size is not None:
            # Pretraining averages when it shrinks an image and is bilinear otherwise; so is this.
            tensor = F.interpolate(tensor[None], size, mode='bilinear', antialias=True)[0]
        if batch and (len(batch) == batch_size or batch[0].shape != tensor.shape):
            yield from _encode(encoder, batch)
            batch = []
        batch.append(tensor)
    if batch:
        yield from _encode(encoder, batch)


def video_features(
    encoder: DenseEncoder,
    video: str | PathLike | RemoteFile,
    size: tuple[int, int] | None = None,
    batch_size: int = 8,
    step: int = 1,
    frames: Sequence[int] | None = None,
) -> Iterator[FrameFeatures]:
    """Compute the maps of a video's frames.

    Args:
        video: Video file, or URL of one.
        step: Every ``step``-th frame, from the first.
        frames: Increasing numbers of the frames, instead of ``step``.
        encoder, size, batch_size: Arguments of :func:`dense_features`.

    Yields:
        Frames in order.

    Raises:
        FrameReadError: If the file is not a video, or a frame cannot be decoded; with its number.
    """
    with VideoReader(video, threads=0) as reader:
        frames = chosen_frames(reader, step) if frames is None else frames
        seconds = reader.timestamps
        maps = dense_features(encoder, _decode(reader, frames), size, batch_size)
        for frame, features in zip(frames, maps, strict=True):
            yield FrameFeatures(frame, float(seconds[frame]), features)


def load_image(image: Image, name: str = 'image') -> Tensor:
    """An image as a tensor.

    Args:
        image: Path, array or tensor as in :func:`dense_features`.
        name: Name of an array or tensor in error messages.

    Returns:
        float32 (3, H, W), RGB in [0, 1].

    Raises:
        FileNotFoundError: If there is no such file.
        ValueError: If it is not an image of the kinds named there.
    """
    if isinstance(image, (str, PathLike)):
        name = str(image)
        if not Path(image).is_file():
            raise FileNotFoundError(f'image {name} does not exist')
        image = read_image(image)
    if isinstance(image, np.ndarray):
        if image.dtype != np.uint8 or image.ndim != 3 or image.shape[2] != 3:
            raise ValueError(
                f'{name} is {image.dtype} {image.shape}: an array must be uint8 RGB (H, W, 3)'
            )
        image = torch.from_numpy(image.copy()).movedim(-1, 0)
    if image.ndim != 3 or image.shape[0] != 3:
        raise ValueError(f'{name} is {tuple(image.shape)}: a tensor must be RGB (3, H, W)')
    if image.dtype == torch.uint8:
        return image.float() / 255
    if not image.is_floating_point() or image.min() < 0 or image.max() > 1:
        raise ValueError(f'{name}: a tensor must be uint8, or float within [0, 1]')
    return image.float()


def cell_size(
    encoder: DenseEncoder, image_size: tuple[int, int], size: tuple[int, int] | None = None
) -> tuple[float, float]:
    """Width and height of a cell in pixels of the image as it was given.

    Args:
        encoder: The encoder.
        image_size: (H, W) of the image.
        size: (H, W) to which it was resized, if at all.

    Returns:
        (along u, along v): both ``encoder.stride`` unless the image was resized.
    """
    height, width = size or image_size
    return encoder.stride * image_size[1] / width, encoder.stride * image_size[0] / height


def pixels_to_cells(points: Tensor, cell: tuple[float, float]) -> Tensor:
    """Pixels (u, v) of an image to coordinates of its map: ``(pixel + 0.5) / cell - 0.5``.

    Args:
        points: (..., 2); pixel centres are integers.
        cell: From :func:`cell_size`.
    """
    return (points + 0.5) / points.new_tensor(cell) - 0.5


def cells_to_pixels(points: Tensor, cell: tuple[float, float]) -> Tensor:
    """Coordinates (u, v) of a map to pixels of its image; inverse of :func:`pixels_to_cells`."""
    return (points + 0.5) * points.new_tensor(cell) - 0.5


@torch.no_grad()
def _encode(encoder: DenseEncoder, batch: list[Tensor]) -> Iterator[Tensor]:
    images = normalize(torch.stack(batch).to(encoder.device), IMAGENET_MEAN, IMAGENET_STD)
    yield from encoder(images).float().cpu()


def chosen_frames(reader: VideoReader, step: int) -> range:
    """Numbers of every ``step``-th frame."""
    if step < 1:
        raise ValueError(f'step must be at least 1, got {step}')
    return range(0, len(reader), step)


def _decode(reader: VideoReader, frames: Sequence[int]) -> Iterator[np.ndarray]:
    for start in range(0, len(frames), _CHUNK):
        yield from reader.read(frames[start : start + _CHUNK])
