"""Video files: exact frames by number, and an index of folders of them."""

from poodle_mm.datasets.video.file import FrameReadError
from poodle_mm.datasets.video.reader import VideoReader

__all__ = ['FrameReadError', 'VideoReader']
