"""Pairs of frames from video, the training data of PooDLe."""

import logging
from collections import Counter
from collections.abc import Callable, Sequence

import numpy as np
from mmengine.dataset import BaseDataset
from mmengine.logging import print_log

from poodle_mm.datasets.filters import THUMBNAIL_SIZE, has_scene_cut, mean_difference, thumbnail
from poodle_mm.datasets.frame_folders import FrameFolders
from poodle_mm.datasets.pairs import draw_pair
from poodle_mm.datasets.sources import VideoClips, VideoTree, check_bad_files
from poodle_mm.datasets.video.reader import FrameReadError
from poodle_mm.registry import DATASETS, TRANSFORMS


@DATASETS.register_module()
class FramePairDataset(BaseDataset):
    """Two frames ``delta`` apart from each video, clip or numbered frame (PooDLe §4.1).

    An item is drawn from (``seed``, epoch, index) alone, so that any number of workers and ranks
    gives the same data.

    Args:
        data_root: Root of the data.
        source: ``'videos'``: a tree of video files, an item a file (BDD100K, synthetic scenes);
            ``'clips'``: long videos cut in clips (Walking Tours); ``'frames'``: folders of images
            whose names end with the frame number (CamVid), an item a frame that has a partner.
        data_prefix: ``dict(path=...)``, the part of ``data_root`` to read.
        delta: Distance of the two frames, a number or an inclusive (min, max). A pair starts at a
            frame uniform among those with a partner, and the partner is uniform. 0 gives the
            same frame twice.
        delta_unit: ``'frames'`` (numbers) or ``'seconds'``.
        starts: Frames of a video that may come first: ``'any'`` that has a partner, or
            ``'keyframes'``, those of them that are decoded without another one. The latter saves
            most of the time where keyframes are rare, and biases the data: a file has few first
            frames, always the same ones, at the encoder's rhythm and at scene cuts. A 40 s video
            with a keyframe every 250 frames has 5, and with 16 distances at most 80 pairs, where
            ``'any'`` has about 19,000. The partner is drawn as always. A file without a keyframe
            that has a partner counts as one that cannot be read, and a clip without one is left
            out. Not for ``'frames'``.
        repeats: Pairs drawn from one opening of the file (R); more than 1 makes an item a list.
        clip_seconds: Length of a clip, for ``'clips'``.
        pairs_per_clip: How often an epoch visits a clip, for ``'clips'``.
        fps: Frame numbers per second, for ``'frames'``.
        pipeline: Transforms of a pair: dict(frames=[a, b] uint8 RGB (H0, W0, 3), rng, source,
            source_id, frame_ids, timestamps, ori_shape, seed).
        seed: Of all randomness.
        filter_scene_cuts: Whether to draw again when the scene is cut between the two frames;
            decodes all frames between, so of ``'frames'`` there have to be some.
        min_motion: Draw again when the frames' thumbnails differ by less than this on average, in
            grey levels (0 to 255); 1 finds a camera at rest. None accepts all.
        max_redraws: How often an item is drawn again before another item takes its place.
        max_bad_share: Largest tolerated share of files that cannot be used; fewer are skipped,
            counted and logged.
        index_cache: File that keeps the index of a tree of videos; None puts it into the tree, or
            into the user's cache folder where the tree cannot be written to.
        max_refetch: How many other items may take the place of one before it is an error.
        **kwargs: Those of MMEngine's ``BaseDataset``: ``metainfo``, ``indices``, ``lazy_init``,
            ``test_mode`` (a frame that cannot be read is an error at once) ...

    Attributes:
        rejected: Counts of draws thrown away in this process, by reason.
        unreadable: Reason by file that failed while sampling in this process.

    Raises:
        FileNotFoundError: If the root is missing or holds no file of the kind.
        ValueError: For a wrong argument, or if too many files are bad.
    """

    SOURCES = ('videos', 'clips', 'frames')
    STARTS = ('any', 'keyframes')

    def __init__(
        self,
        data_root: str,
        source: str = 'videos',
        data_prefix: dict | None = None,
        delta: float | tuple[float, float] = (15, 30),
        delta_unit: str = 'frames',
        starts: str = 'any',
        repeats: int = 1,
        clip_seconds: float = 10.0,
        pairs_per_clip: int = 15,
        fps: float = 30.0,
        pipeline: Sequence[dict | Callable] = (),
        seed: int = 0,
        filter_scene_cuts: bool = False,
        min_motion: float | None = None,
        max_redraws: int = 10,
        max_bad_share: float = 0.1,
        index_cache: str | None = None,
        max_refetch: int = 20,
        **kwargs,
    ) -> None:
        low, high = (delta, delta) if np.isscalar(delta) else delta
        if not 0 <= low <= high:
            raise ValueError(f'delta must be 0 <= min <= max, got {delta}')
        if delta_unit not in ('frames', 'seconds'):
            raise ValueError(f"delta_unit must be 'frames' or 'seconds', got {delta_unit!r}")
        if delta_unit == 'frames' and (low != int(low) or high != int(high)):
            raise ValueError(f'delta in frames must be whole numbers, got {delta}')
        if source not in self.SOURCES:
            raise ValueError(f'source must be one of {self.SOURCES}, got {source!r}')
        if starts not in self.STARTS:
            raise ValueError(f'starts must be one of {self.STARTS}, got {starts!r}')
        if starts == 'keyframes' and source == 'frames':
            raise ValueError(
                "source='frames' reads images, which have no keyframes: leave starts at 'any'"
            )
        if repeats < 1:
            raise ValueError(f'repeats must be at least 1, got {repeats}')
        if not 0 <= max_bad_share <= 1:
            raise ValueError(f'max_bad_share must be 0 to 1, got {max_bad_share}')
        self.source_type = source
        self.delta = (low, high)
        self.delta_unit = delta_unit
        self.starts = starts
        self.repeats = repeats
        self.clip_seconds = clip_seconds
        self.pairs_per_clip = pairs_per_clip
        self.fps = fps
        self.seed = seed
        self.filter_scene_cuts = filter_scene_cuts
        self.min_motion = min_motion
        self.max_redraws = max_redraws
        self.max_bad_share = max_bad_share
        self.index_cache = index_cache
        self.rejected: Counter[str] = Counter()
        self.unreadable: dict[str, str] = {}
        super().__init__(
            data_root=data_root,
            data_prefix=dict(path='') if data_prefix is None else data_prefix,
            # built here, so that our names are found whatever the current scope is
            pipeline=[TRANSFORMS.build(t) if isinstance(t, dict) else t for t in pipeline],
            max_refetch=max_refetch,
            **kwargs,
        )

    def load_data_list(self) -> list[dict]:
        """Index the files."""
        self.source = self._build_source()
        return self.source.list_items()

    def _build_source(self):
        args = (
            *(self.data_prefix['path'], self.delta, self.delta_unit),
            *(self.max_bad_share, self.starts),
        )
        if self.source_type == 'frames':
            return FrameFolders(*args, fps=self.fps)
        if self.source_type == 'videos':
            return VideoTree(*args, index_cache=self.index_cache)
        return VideoClips(
            *args,
            index_cache=self.index_cache,
            clip_seconds=self.clip_seconds,
            pairs_per_clip=self.pairs_per_clip,
        )

    def __getitem__(self, key: int | tuple[int, int]) -> dict | list[dict]:
        """Draw an item.

        Args:
            key: Index, or (epoch, index) as ``PairSampler`` yields it; a bare index is epoch 0.

        Returns:
            What the pipeline makes of one pair, or a list of ``repeats`` such.
        """
        epoch, index = key if isinstance(key, tuple) else (0, key)
        index = range(len(self))[index]
        return self.draw(index, np.random.default_rng([self.seed, epoch, index]))

    def draw(self, index: int, rng: np.random.Generator) -> dict | list[dict]:
        """Draw item ``index`` with a given source of randomness.

        A file that cannot be read is logged once, and like one without an acceptable pair it is
        replaced by another one.

        Raises:
            ValueError: If more files than ``max_bad_share`` cannot be read, or none gives a pair.
        """
        if not self._fully_initialized:
            self.full_init()
        rejected: Counter[str] = Counter()
        for _ in range(self.max_refetch + 1):
            item = self.get_data_info(index)
            try:
                with self.source.open(item) as reader:
                    pairs = [
                        self._draw_pair(item, reader, rng, rejected) for _ in range(self.repeats)
                    ]
            except FrameReadError as error:
                if self.test_mode:
                    raise
                rejected['unreadable'] += 1
                self._note_unreadable(error)
            else:
                if None not in pairs:
                    self.rejected.update(rejected)
                    return self._run_pipeline(pairs, rng, rejected)
            index = int(rng.integers(len(self)))
        raise ValueError(
            f'{self.source.root}: no acceptable pair in {self.max_refetch + 1} items, last '
            f'{item["source"]}; thrown away: {dict(rejected)}; is min_motion={self.min_motion} too '
            'strict?'
        )

    def _draw_pair(
        self, item: dict, reader, rng: np.random.Generator, rejected: Counter[str]
    ) -> dict | None:
        """Draw and read a pair that the filters accept; None if there seems to be none."""
        axis, tolerance = self.source.axis(reader.frame_ids, reader.timestamps)
        starts = reader.keyframes if self.starts == 'keyframes' else item.get('starts')
        for _ in range(self.max_redraws + 1):
            pair = draw_pair(rng, axis, self.delta, tolerance, starts)
            if pair is None:
                of = (
                    'no two' if self.starts == 'any' else f'none of {len(starts)} keyframes and one'
                )
                raise FrameReadError(
                    item['source'],
                    f'{of} of its {len(axis)} frames are {self.delta} {self.delta_unit} apart',
                )
            if self.filter_scene_cuts and has_scene_cut(reader.thumbnails(*pair, THUMBNAIL_SIZE)):
                rejected['scene_cut'] += 1
                continue
            frames = reader.read(pair)
            if self.min_motion is not None:
                motion = mean_difference(*(thumbnail(frame) for frame in frames))
                if motion < self.min_motion:
                    rejected['no_motion'] += 1
                    continue
            return dict(
                source=item['source'],
                source_id=item['source_id'],
                frames=frames,
                frame_ids=tuple(int(reader.frame_ids[i]) for i in pair),
                timestamps=tuple(float(reader.timestamps[i]) for i in pair),
                ori_shape=frames[0].shape[:2],
            )
        return None

    def _run_pipeline(
        self, pairs: list[dict], rng: np.random.Generator, rejected: Counter[str]
    ) -> dict | list[dict]:
        if rejected:
            pairs[0]['rejected'] = dict(rejected)
        items = [
            self.pipeline(dict(pair, rng=rng, seed=int(rng.integers(2**63)))) for pair in pairs
        ]
        return items if self.repeats > 1 else items[0]

    def _note_unreadable(self, error: FrameReadError) -> None:
        """Log a file once, and refuse the data if too many have failed."""
        if error.path in self.unreadable:
            return
        self.unreadable[error.path] = error.reason
        print_log(
            f'{error}; another sample is taken (file {len(self.unreadable)} in this process)',
            logger='current',
            level=logging.WARNING,
        )
        bad = {**self.source.bad, **self.unreadable}
        if len(bad) > self.max_bad_share * self.source.num_files:
            check_bad_files(self.source.root, bad, self.source.num_files, self.max_bad_share)
