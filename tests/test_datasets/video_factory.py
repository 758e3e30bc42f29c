"""Video files whose every frame carries its own number as large black and white blocks."""

from collections.abc import Sequence
from fractions import Fraction
from pathlib import Path

import av
import numpy as np

BITS = 10
COLUMNS = 5
BLOCK = 32
# encoders whose default rate makes the blocks unreadable
LOSSY = ('mpeg1video', 'mpeg2video', 'flv1', 'wmv2', 'libvpx')
SHAPE = (BLOCK * (BITS // COLUMNS) + BLOCK, BLOCK * COLUMNS)


def numbered_image(number: int) -> np.ndarray:
    """(96, 160, 3) uint8: ten blocks of bits above a grey band with one red corner block."""
    image = np.full((*SHAPE, 3), 128, np.uint8)
    for bit in range(BITS):
        row, column = divmod(bit, COLUMNS)
        value = 255 * (number >> bit & 1)
        image[row * BLOCK : (row + 1) * BLOCK, column * BLOCK : (column + 1) * BLOCK] = value
    image[-BLOCK:, :BLOCK] = (255, 0, 0)
    return image


def read_number(image: np.ndarray) -> int:
    """The number that an image of :func:`numbered_image` carries."""
    assert image.shape == (*SHAPE, 3), image.shape
    middle = image[BLOCK // 2 :: BLOCK, BLOCK // 2 :: BLOCK].mean(-1) > 128
    return sum(int(bit) << i for i, bit in enumerate(middle[:-1].reshape(-1)))


def write_video(
    path: Path,
    num_frames: int = 40,
    fps: int = 30,
    codec: str = 'libx264',
    gop: int = 12,
    b_frames: int = 0,
    times: Sequence[int] | None = None,
    rotation: int = 0,
    options: dict[str, str] | None = None,
    pix_fmt: str = 'yuv420p',
) -> Path:
    """Write a numbered video.

    Args:
        path: The extension chooses the container.
        num_frames: Number of frames.
        fps: Frames per second.
        codec: FFmpeg's encoder.
        gop: Largest distance of keyframes.
        b_frames: Largest run of B-frames.
        times: Presentation time of each frame in milliseconds; None is a constant rate.
        rotation: Degrees counter-clockwise that a player has to turn the picture.
        options: Further options of the encoder.
        pix_fmt: FFmpeg's pixel format.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    with av.open(str(path), 'w') as container:
        stream = container.add_stream(codec, rate=fps, options=options or {})
        stream.height, stream.width = SHAPE
        stream.pix_fmt = pix_fmt
        stream.gop_size = gop
        stream.codec_context.max_b_frames = b_frames
        if codec in LOSSY:
            stream.bit_rate = 3_000_000
        if times is not None:
            stream.codec_context.time_base = Fraction(1, 1000)
        if rotation:
            stream.set_display_rotation(rotation)
        for number in range(num_frames):
            frame = av.VideoFrame.from_ndarray(numbered_image(number), format='rgb24')
            if times is not None:
                frame.pts, frame.time_base = times[number], Fraction(1, 1000)
            else:
                frame.pts, frame.time_base = number, Fraction(1, fps)
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    return path
