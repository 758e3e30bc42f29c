"""Opening a video file: which stream is the video, and how its decoder is set."""

import os
from typing import BinaryIO

import av

from poodle_mm.datasets.files import FrameReadError, file_problem
from poodle_mm.datasets.remote.remote_file import RemoteFile

MAX_PIXELS = 2**26
"""Largest picture that is read (8192x8192): a pair of larger ones takes gigabytes."""

# else FFmpeg patches damaged places with what lies around them, and calls the frame good
ERROR_DETECTION = 'explode'

# without this FFmpeg decodes several frames on opening, to learn what MP4's header says (but for
# the pixel format, which the first decoded frame says)
_HEADER_ALONE = {'analyzeduration': '1', 'skip_frame': 'all'}

_NOT_VIDEO = ('attached_pic', 'timed_thumbnails', 'still_image')


def open_bytes(file: str | RemoteFile) -> BinaryIO:
    """A file's content, to be read from its start."""
    return file.open() if isinstance(file, RemoteFile) else open(file, 'rb')


def size_of(file: str | RemoteFile) -> int:
    """Bytes of a file."""
    return file.size if isinstance(file, RemoteFile) else os.path.getsize(file)


def open_video(
    file: str | RemoteFile, threads: int, quick: bool
) -> tuple[av.container.InputContainer, av.VideoStream]:
    """Open a file for decoding.

    Args:
        file: Path, or a file behind a URL.
        threads: Decoder threads; 0 lets FFmpeg choose.
        quick: Whether to take the header of an MP4 or QuickTime file for granted.

    Returns:
        The container, and its best video stream, whose decoder stops at damage that it finds.

    Raises:
        FrameReadError: If the file cannot be opened or holds no video.
    """
    path, is_remote = str(file), isinstance(file, RemoteFile)
    if not is_remote and (problem := file_problem(path)):
        raise FrameReadError(path, f'cannot open as a video: {problem}')
    try:
        container = av.open(
            file.open() if is_remote else path,
            options=_HEADER_ALONE if quick else {},
            metadata_errors='replace',
        )
    except FrameReadError:  # the server's fault
        raise
    except (av.error.FFmpegError, OSError, ValueError) as error:
        raise FrameReadError(path, f'cannot open as a video: {error}') from error
    try:
        stream = _best_stream(path, container)
        decoder = stream.codec_context
        decoder.thread_count = threads
        decoder.thread_type = 'NONE' if threads == 1 else 'AUTO'
        decoder.options = {'err_detect': ERROR_DETECTION}
    except BaseException:
        container.close()
        raise
    return container, stream


def video_streams(container: av.container.InputContainer) -> list[av.VideoStream]:
    """Streams of moving pictures that can be decoded, best first.

    Cover pictures and thumbnails are none. The best one has more than a single picture (where the
    header says so), then the largest pictures, then is the one that the file calls its default.
    """
    streams = [stream for stream in _moving(container) if stream.codec_context is not None]

    def rank(stream: av.VideoStream) -> tuple:
        return stream.frames == 1, -stream.width * stream.height, not _has(stream, 'default')

    return sorted(streams, key=rank)


def _moving(container: av.container.InputContainer) -> list[av.VideoStream]:
    return [
        stream
        for stream in container.streams.video
        if not any(_has(stream, name) for name in _NOT_VIDEO)
    ]


def _has(stream: av.VideoStream, disposition: str) -> bool:
    flags = getattr(stream, 'disposition', 0)  # old PyAV has none
    return bool(flags & getattr(type(flags), disposition, 0))


def _best_stream(path: str, container: av.container.InputContainer) -> av.VideoStream:
    streams = video_streams(container)
    if not streams:
        if _moving(container):
            raise FrameReadError(path, 'no decoder for its video stream')
        kind = 'but a cover picture' if container.streams.video else 'stream'
        raise FrameReadError(path, f'holds no video {kind}')
    stream = streams[0]
    if stream.width * stream.height > MAX_PIXELS:
        raise FrameReadError(
            path,
            f'its pictures of {stream.width}x{stream.height} are larger than '
            f'{MAX_PIXELS / 1e6:.0f} megapixels',
        )
    return stream


def can_reorder(stream: av.VideoStream) -> bool:
    """Whether the codec may show frames in another order than it stores them."""
    return bool(int(stream.codec_context.codec.properties) & 8)  # AV_CODEC_PROP_REORDER
