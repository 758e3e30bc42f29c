"""Folders of numbered frames as a source of pairs and clips."""

import re
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager
from pathlib import PurePosixPath

import cv2
import numpy as np

from poodle_mm.datasets.clips import ClipRule, clip_starts
from poodle_mm.datasets.files import IMAGE_EXTENSIONS, FrameReadError, file_problem, find_files
from poodle_mm.datasets.images import read_image
from poodle_mm.datasets.items import Items
from poodle_mm.datasets.sources import MAX_BAD_SHARE, FrameSource
from poodle_mm.utils.distributed import on_main_process
from poodle_mm.utils.errors import warn
from poodle_mm.utils.ragged import Ragged

# not followed by a letter: Cityscapes' "_000019_leftImg8bit" is frame 19; and not the number of a
# camera: "0001_cam0" is frame 1
_NUMBER = re.compile(
    r'(?<!\d)(?<!cam)(?<!camera)(?<!view)(?<!lens)(?<!sensor)\d+(?![A-Za-z\d])', re.IGNORECASE
)
# "1305031102.175304": seconds since 1970, as TUM's sequences are named
_TIME = re.compile(r'\d{9,}\.\d+$')
_MAX_NUMBER = 2**62


def parse_frame_name(path: str) -> tuple[str, int] | None:
    """Sequence and frame number of an image, given by its relative path; None without a number.

    The last number in the file's stem (one that no letter follows) is the frame number; what stands
    around it, and the folder, name the sequence: ``train/0006R0_f00930.jpg`` is frame 930 of
    ``train/0006R0_f``.
    """
    path = PurePosixPath(path)
    numbers = list(_NUMBER.finditer(path.stem))
    if not numbers:
        return None
    start, stop = numbers[-1].span()
    name = path.stem[:start] + path.stem[stop:]
    return (path.parent / name).as_posix(), int(path.stem[start:stop])


def name_problem(path: str) -> str:
    """Why the number in an image's name is none of a frame; empty if it is or there is none."""
    stem = PurePosixPath(path).stem
    if _TIME.search(stem):
        return f'its name ends with a time ({stem}) instead of a frame number: number the frames'
    parsed = parse_frame_name(path)
    return 'its number is too large for a frame' if parsed and parsed[1] > _MAX_NUMBER else ''


def is_dark_16_bit(path: str) -> bool:
    """Whether an image has 16 bits a channel and uses less than an eighth of their range.

    So do 12 bits that were not shifted up; at 8 bits they are nearly black.
    """
    image = cv2.imread(path, cv2.IMREAD_UNCHANGED)
    return image is not None and image.dtype == np.uint16 and int(image.max()) < 2**16 // 8


_dark_roots: set[str] = set()  # of which this process has warned


def _warn_of_dark(root: str, path: str) -> None:
    if root not in _dark_roots and is_dark_16_bit(path):
        _dark_roots.add(root)
        warn(
            f'{path}: a 16-bit image that uses less than an eighth of its range is read nearly '
            'black: scale such images up (12 bits by 16), or save them with 8 bits'
        )


class FolderReader(AbstractContextManager):
    """Frames of one sequence; ``paths`` (relative to ``root``) and ``numbers`` in order."""

    def __init__(self, root: str, paths: Ragged, numbers: np.ndarray, fps: float) -> None:
        self._root = root
        self._paths = paths
        self.frame_ids = numbers
        self.timestamps = (numbers - numbers[0]) / fps

    def __exit__(self, *exc_info) -> None:
        pass

    def read(self, indices: Sequence[int]) -> list[np.ndarray]:
        """Read frames by position: (H, W, 3) uint8 RGB each."""
        images = {index: self._read(index) for index in dict.fromkeys(indices)}
        first = images[indices[0]].shape[:2]
        for index, image in images.items():
            if image.shape[:2] != first:
                raise FrameReadError(
                    f'{self._root}/{self._paths.string(index)}',
                    f'is {image.shape[:2]} (H, W), but {self._paths.string(indices[0])} is {first}',
                )
        return [images[index] for index in indices]

    def thumbnails(self, first: int, last: int, size: tuple[int, int]) -> list[np.ndarray]:
        """Small versions (h, w, 3) of all frames at hand from ``first`` to ``last`` (included)."""
        return [
            cv2.resize(self._read(index), size[::-1], interpolation=cv2.INTER_AREA)
            for index in range(first, last + 1)
        ]

    def _read(self, index: int) -> np.ndarray:
        path = f'{self._root}/{self._paths.string(index)}'
        image = read_image(path)
        if image.max() < 256 // 8:
            _warn_of_dark(self._root, path)
        return image


class FrameFolders(FrameSource):
    """Images whose last number is the frame number; an item is a frame that a clip begins with.

    A missing number is a gap and nothing else: a pair is any two frames of a sequence whose numbers
    differ by the spacing (seconds are numbers over ``fps``).

    Args:
        root, rule, max_bad_share: Arguments of :class:`FrameSource`.
        fps: Frame numbers per second.
    """

    def __init__(
        self, root: str, rule: ClipRule, fps: float = 30.0, max_bad_share: float = MAX_BAD_SHARE
    ) -> None:
        super().__init__(root, rule, max_bad_share)
        if fps <= 0:
            raise ValueError(f'fps must be positive, got {fps}')
        self.fps = fps
        self._sequences: dict[str, tuple[np.ndarray, Ragged]] = {}
        self._names: list[str] = []
        self._starts = np.empty((0, 2), np.int64)

    def list_items(self) -> Items:
        """One item a frame that begins a clip; a ValueError if a folder has none."""
        self._sequences, self.num_files, self.bad = on_main_process(self._scan)
        self.check_bad(self.bad)
        self._names = sorted(self._sequences)
        found, without = [np.empty((0, 2), np.int64)], {}
        for place, name in enumerate(self._names):
            numbers = self._sequences[name][0]
            starts = clip_starts(numbers, self._spacing_in_numbers(), self.rule.num_frames)
            if not len(starts):
                without[name] = numbers
            found.append(np.stack([np.full(len(starts), place), starts], axis=1))
        self._starts = np.concatenate(found)
        self._check_folders(without)
        return Items(self._item, range(len(self._starts)))

    def _item(self, position: int) -> dict:
        place, start = self._starts[position].tolist()
        name = self._names[place]
        return dict(source=f'{self.root}/{name}', source_id=name, starts=[start])

    def _spacing_in_numbers(self) -> tuple[float, float]:
        low, high = self.rule.spacing
        return (low, high) if self.rule.unit == 'frames' else (low * self.fps, high * self.fps)

    def axis(self, frame_ids: np.ndarray, timestamps: np.ndarray) -> tuple[np.ndarray, float]:
        """Numbers are exact: no tolerance."""
        return (frame_ids if self.rule.unit == 'frames' else timestamps), 0.0

    def open(self, item: dict) -> FolderReader:
        """Nothing is opened before it is read."""
        numbers, paths = self._sequences[item['source_id']]
        return FolderReader(self.root, paths, numbers, self.fps)

    def _scan(self) -> tuple[dict, int, dict[str, str]]:
        paths = find_files(self.root, IMAGE_EXTENSIONS)
        with ThreadPoolExecutor() as pool:
            problems = zip(paths, pool.map(self._problem, paths))
            bad = {path: problem for path, problem in problems if problem}
        frames: dict[str, dict[int, str]] = {}
        for path in paths:
            parsed = parse_frame_name(path)
            if parsed is None or path in bad:
                continue
            name, number = parsed
            other = frames.setdefault(name, {}).setdefault(number, path)
            if other != path:
                raise ValueError(
                    f'{self.root}: {other} and {path} are both frame {number} of {name}'
                )
        if not frames and not bad:
            raise FileNotFoundError(
                f'{self.root}: no image has a frame number in its name, such as seq_000012.png'
            )
        sequences = {
            name: (
                np.array(sorted(files), np.int64),
                Ragged.of_strings(files[number] for number in sorted(files)),
            )
            for name, files in frames.items()
        }
        return sequences, len(paths), bad

    def _problem(self, path: str) -> str:
        """Why an image is of no use, by its name and signature alone; empty if it seems to be."""
        whole = f'{self.root}/{path}'
        if problem := name_problem(path) or file_problem(whole):
            return problem
        # decoding all frames would take minutes
        return '' if cv2.haveImageReader(whole) else 'not an image'

    def _check_folders(self, without: dict[str, np.ndarray]) -> None:
        low, high = self._spacing_in_numbers()
        count = 'two' if self.rule.num_frames == 2 else self.rule.num_frames
        useful = {PurePosixPath(name).parent for name in self._names if name not in without}
        for name, numbers in without.items():
            gaps = sorted(set(np.diff(numbers).tolist()))
            folder = PurePosixPath(name).parent
            message = (
                f'{self.root}/{folder}: no {count} of the {len(numbers)} frames of {name} are '
                f'{low:g} to {high:g} numbers apart ({self.rule.argument} = {self.rule}); '
                f'gaps between their numbers: {gaps[:10]}'
            )
            if folder not in useful:
                raise ValueError(f'{message}; choose {self.rule.argument} or fps to fit')
            warn(f'{message}; left out')
