"""Videos that cost a decoder what driving costs it, made once."""

from collections.abc import Iterator
from contextlib import ExitStack
from fractions import Fraction
from pathlib import Path

import av
import cv2
import numpy as np

from poodle_mm.datasets import VideoReader
from poodle_mm.utils.files import replacing

ENCODINGS = {
    # as the phones' encoders of driving data sets: no frame refers to a later one
    'every_30': dict(gop=30, b_frames=0),
    # what x264 does when told nothing
    'every_250': dict(gop=250, b_frames=3),
}
BIT_RATE = 4_000_000
FPS = 30
SHAPE = (720, 1280)


def drive(num_frames: int, shape: tuple[int, int] = SHAPE, seed: int = 0) -> Iterator[np.ndarray]:
    """Frames of a procedural drive: a texture that comes nearer, things that pass, sensor noise.

    Fine detail under zoom and noise leave an encoder no cheap blocks, as in a real street: at the
    same bit rate a decoder is as busy.

    Args:
        num_frames: Number of frames.
        shape: (H, W).
        seed: Seed of texture, motion and noise.

    Yields:
        (H, W, 3) uint8 RGB.
    """
    rng = np.random.default_rng(seed)
    height, width = shape
    far, near = _texture(rng, shape, 0.8), _texture(rng, shape, 1.0)
    noise = rng.normal(0, 1.2, (8, height, width, 1)).astype(np.int16)
    things = [_thing(rng, shape) for _ in range(8)]
    for number in range(num_frames):
        # two textures that swell by half and fade into each other: a zoom without an end
        phase = number / 90 % 1
        sway = 0.03 * width * np.sin(number / 40)
        image = cv2.addWeighted(
            _zoom(far, 1 + phase / 2, sway), phase, _zoom(near, 1.5 + phase / 2, sway), 1 - phase, 0
        )
        for look, start, speed in things:
            h, w = look.shape[:2]
            x, y = ((start + speed * number) % (width - w, height - h)).astype(int)
            image[y : y + h, x : x + w] = look
        if number % 90 == 89:
            near, far = far, _texture(rng, shape, 0.8)
        yield np.clip(image + noise[rng.integers(len(noise))], 0, 255).astype(np.uint8)


def _texture(rng: np.random.Generator, shape: tuple[int, int], strength: float) -> np.ndarray:
    """Noise of all sizes, (H, W, 3) uint8."""
    total = np.full((*shape, 3), 110, np.float32)
    for level in range(2, 8):
        coarse = rng.normal(0, strength * 60 / level, (9 * 2**level // 4, 16 * 2**level // 4, 3))
        total += cv2.resize(coarse.astype(np.float32), shape[::-1], interpolation=cv2.INTER_CUBIC)
    return np.clip(total, 0, 255).astype(np.uint8)


def _thing(
    rng: np.random.Generator, shape: tuple[int, int]
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Picture, (x, y) start and speed in pixels a frame of a thing that passes."""
    size = (rng.uniform(0.05, 0.2, 2) * shape).astype(int) + 2
    look = cv2.resize(_texture(rng, shape, 1.0)[: size[0] * 2, : size[1] * 2], size[::-1].tolist())
    return look, rng.uniform(0, shape[0], 2), rng.uniform(-6, 6, 2)


def _zoom(image: np.ndarray, scale: float, shift: float) -> np.ndarray:
    """Enlarge around the centre, and move sideways."""
    height, width = image.shape[:2]
    matrix = np.array(
        [
            [scale, 0, (1 - scale) * width / 2 + shift],
            [0, scale, (1 - scale) * height / 2],
        ]
    )
    return cv2.warpAffine(image, matrix, (width, height), borderMode=cv2.BORDER_REFLECT)


def frames_of(path: Path, num_frames: int, shape: tuple[int, int] = SHAPE) -> Iterator[np.ndarray]:
    """The first frames of a video, from the start again where it is shorter, resized.

    Yields:
        (H, W, 3) uint8 RGB.

    Raises:
        FrameReadError: If it is no video or none of its frames can be decoded.
    """
    with VideoReader(path) as reader:
        reader.read([0])
    left = num_frames
    while left:
        with av.open(str(path)) as container:
            container.streams.video[0].thread_type = 'AUTO'
            for frame in container.decode(video=0):
                yield frame.to_ndarray(
                    width=shape[1], height=shape[0], format='rgb24', interpolation='AREA'
                )
                left -= 1
                if not left:
                    return


def write_videos(
    folder: Path,
    frames: Iterator[np.ndarray],
    shape: tuple[int, int] = SHAPE,
    bit_rate: int = BIT_RATE,
    encodings: dict[str, dict[str, int]] = ENCODINGS,
) -> dict[str, Path]:
    """Encode the same frames in several ways by x264: ``<folder>/<encoding>/video.mp4``.

    Args:
        folder: Folder of the files; those that are there are kept, and then no frame is drawn.
        frames: (H, W, 3) uint8 RGB each.
        shape: (H, W).
        bit_rate: Bits a second, on average.
        encodings: ``gop`` (frames from keyframe to keyframe) and ``b_frames`` by name.

    Returns:
        The file by encoding.
    """
    paths = {name: folder / name / 'video.mp4' for name in encodings}
    if all(path.is_file() for path in paths.values()):
        return paths
    with ExitStack() as stack:
        streams = []
        for name, encoding in encodings.items():
            temporary = stack.enter_context(replacing(paths[name]))
            container = stack.enter_context(av.open(str(temporary), 'w'))
            # scenes do not cut: keyframes come at the distance that the name says
            options = {'x264-params': f'scenecut=0:keyint={encoding["gop"]}'}
            stream = container.add_stream('libx264', rate=FPS, options=options)
            stream.height, stream.width = shape
            stream.pix_fmt, stream.bit_rate = 'yuv420p', bit_rate
            stream.codec_context.max_b_frames = encoding['b_frames']
            streams.append((container, stream))
        for number, image in enumerate(frames):
            frame = av.VideoFrame.from_ndarray(image, format='rgb24').reformat(format='yuv420p')
            frame.pts, frame.time_base = number, Fraction(1, FPS)
            for container, stream in streams:
                container.mux(stream.encode(frame))
        for container, stream in streams:
            container.mux(stream.encode(None))
    return paths
