"""Clips of N frames from video; two are a pair, the training data of PooDLe."""

import os
from collections import Counter
from collections.abc import Callable, Sequence
from inspect import signature

import numpy as np
from mmengine.dataset import BaseDataset

from poodle_mm.datasets.clips import ClipRule, draw_clip
from poodle_mm.datasets.filters import THUMBNAIL_SIZE, clip_has_scene_cut, mean_motion
from poodle_mm.datasets.frame_folders import FrameFolders
from poodle_mm.datasets.items import Items
from poodle_mm.datasets.remote.urls import is_url
from poodle_mm.datasets.sources import FrameSource, VideoClips, VideoTree
from poodle_mm.datasets.video.file import FrameReadError
from poodle_mm.registry import DATASETS, TRANSFORMS
from poodle_mm.utils.errors import warn

SOURCES: dict[str, type[FrameSource]] = {
    'videos': VideoTree,
    'clips': VideoClips,
    'frames': FrameFolders,
}


def _take_options(name: str, source: str, kwargs: dict) -> dict:
    """Take the keys of a source out of a data set's; keys of other sources are warned of."""
    keys = {kind: [*signature(of).parameters][2:] for kind, of in SOURCES.items()}
    of_base = signature(BaseDataset).parameters
    options = {key: kwargs.pop(key) for key in [*kwargs] if key not in of_base}
    for key in sorted(options.keys() - {*keys[source]}):
        takes = f'source={source!r} takes {", ".join(keys[source])}'
        if not any(key in others for others in keys.values()):
            raise ValueError(f'{name} has no argument {key!r}; {takes}')
        warn(f'{name}: {key}={options.pop(key)!r} has no effect, {takes}')
    return options


@DATASETS.register_module()
class FrameClipDataset(BaseDataset):
    """``num_frames`` frames, each ``spacing`` after the one before, from each item of a source.

    An item is drawn from (``seed``, epoch, index) alone, so that any number of workers and ranks
    gives the same data.

    Args:
        data_root: Root of the data: a folder, or for videos and clips a URL (docs/remote.md).
        source: ``'videos'``: a tree of video files, an item a file (BDD100K, synthetic scenes);
            ``'clips'``: long videos cut in parts (Walking Tours), an item a part that holds the
            frames; ``'frames'``: folders of images whose names end with the frame number (CamVid),
            an item a frame that a clip can begin with.
        data_prefix: ``dict(path=...)``, the part of ``data_root`` to read.
        num_frames: Frames of a clip (N).
        spacing: Distance of a frame from the one before, a number or an inclusive (min, max). A
            clip begins at a frame uniform among those that a whole clip can begin with; each
            further frame is uniform among those at that distance from which the rest can follow.
            0 gives the same frame again.
        spacing_unit: ``'frames'`` (numbers) or ``'seconds'``.
        starts: Frames of a video that may come first: ``'any'`` that a clip can begin with, or
            ``'keyframes'``, those of them that are decoded without another one. The latter saves
            most of the time where keyframes are rare, and biases the data: a 40 s video with a
            keyframe every 250 frames has at most 80 pairs, where ``'any'`` has about 19,000. A
            file without such a keyframe counts as one that cannot be read, and a part of a long
            video without one is left out. Not for ``'frames'``.
        repeats: Clips drawn from one opening of the file (R); more than 1 makes an item a list.
        pipeline: Transforms of a clip: dict(frames=[...] N uint8 RGB (H0, W0, 3), rng, source,
            source_id, frame_ids, timestamps, ori_shape, seed).
        seed: Seed of all randomness.
        filter_scene_cuts: Whether to draw again when the scene is cut within the clip; decodes all
            frames between, so of ``'frames'`` there have to be some.
        min_motion: Draw again when the thumbnails of successive frames differ by less than this on
            average, in grey levels (0 to 255); 1 finds a camera at rest. None accepts all.
        **kwargs: ``max_redraws``, the number of times that an item is drawn again before another
            one replaces it (10 unless given); arguments of the source (:class:`VideoTree`:
            ``index_cache``, ``storage_options``, ``remote``; :class:`VideoClips`:
            that, ``clip_seconds`` and ``pairs_per_clip``; :class:`FrameFolders`: ``fps``; all:
            ``max_bad_share``), and of MMEngine's ``BaseDataset``: ``metainfo``, ``indices``,
            ``lazy_init``, ``test_mode`` (a frame that cannot be read is an error at once),
            ``max_refetch`` (other items that may take the place of one before it is an error; 20
            unless given) ...

    Attributes:
        rejected: Counts of draws thrown away in this process, by reason.
        unreadable: Reason by file that failed while sampling in this process.

    Raises:
        FileNotFoundError: If the root is missing or holds no file of the kind.
        ValueError: For a wrong argument, or if too many files are bad.
    """

    SPACING = 'spacing'  # its name in messages

    def __init__(
        self,
        data_root: str,
        source: str = 'videos',
        data_prefix: dict | None = None,
        num_frames: int = 8,
        spacing: float | tuple[float, float] = 60,
        spacing_unit: str = 'frames',
        starts: str = 'any',
        repeats: int = 1,
        pipeline: Sequence[dict | Callable] = (),
        seed: int = 0,
        filter_scene_cuts: bool = False,
        min_motion: float | None = None,
        **kwargs,
    ) -> None:
        bounds = (spacing, spacing) if np.isscalar(spacing) else spacing
        self.rule = ClipRule(tuple(bounds), spacing_unit, starts, num_frames, self.SPACING)
        if source not in SOURCES:
            raise ValueError(f'source must be one of {tuple(SOURCES)}, got {source!r}')
        if starts == 'keyframes' and source == 'frames':
            raise ValueError(
                "source='frames' reads images, which have no keyframes: leave starts at 'any'"
            )
        if repeats < 1:
            raise ValueError(f'repeats must be at least 1, got {repeats}')
        self.source_type = source
        self.max_redraws = kwargs.pop('max_redraws', 10)
        self._options = _take_options(type(self).__name__, source, kwargs)
        self.repeats = repeats
        self.seed = seed
        self.filter_scene_cuts = filter_scene_cuts
        self.min_motion = min_motion
        self.rejected: Counter[str] = Counter()
        self.unreadable: dict[str, str] = {}
        super().__init__(
            data_root=data_root,
            data_prefix=dict(path='') if data_prefix is None else data_prefix,
            # built here, so that our names are found whatever the current scope is
            pipeline=[TRANSFORMS.build(t) if isinstance(t, dict) else t for t in pipeline],
            # items are made from arrays when they are asked for: there is nothing to serialize
            **{'max_refetch': 20, **kwargs, 'serialize_data': False},
        )

    def _join_prefix(self) -> None:
        """MMEngine's own joins URLs for a few protocols, and not for all of those."""
        self._below_root = self.data_prefix['path']
        if is_url(self.data_root):
            parts = self.data_root, self.data_prefix['path']
            self.data_prefix = dict(path='/'.join(part.rstrip('/') for part in parts if part))
        else:
            super()._join_prefix()

    def load_data_list(self) -> Items:
        """Index the files."""
        root = self.data_prefix['path']
        if self._below_root and os.path.isdir(self.data_root) and not os.path.exists(root):
            raise FileNotFoundError(
                f'{root}: no such folder; data_root {self.data_root} exists, but has no '
                f'{self._below_root} in it (data_prefix.path). To read all of data_root, set that '
                'to nothing: --cfg-options train_dataloader.dataset.data_prefix.path='
            )
        self.source = SOURCES[self.source_type](root, self.rule, **self._options)
        return self.source.list_items()

    def _get_unserialized_subset(self, indices: int | Sequence[int]) -> Items:
        if isinstance(indices, int):
            return super()._get_unserialized_subset(indices)
        return self.data_list.take(indices)

    def __getitem__(self, key: int | tuple[int, int]) -> dict | list[dict]:
        """Result of the pipeline for an item, or a list of ``repeats`` such.

        ``key`` is (epoch, index) as ``PairSampler`` yields it; a bare index is of epoch 0.
        """
        epoch, index = key if isinstance(key, tuple) else (0, key)
        index = range(len(self))[index]
        return self.draw(index, np.random.default_rng([self.seed, epoch, index]))

    def draw(self, index: int, rng: np.random.Generator) -> dict | list[dict]:
        """Draw item ``index`` with a given source of randomness.

        A file that cannot be read is logged once, and like one without an acceptable clip it is
        replaced by another one.

        Raises:
            ValueError: If more files than ``max_bad_share`` cannot be read, or none gives a clip.
        """
        if not self._fully_initialized:
            self.full_init()
        rejected: Counter[str] = Counter()
        for _ in range(self.max_refetch + 1):
            item = self.get_data_info(index)
            try:
                with self.source.open(item) as reader:
                    clips = [
                        self._draw_clip(item, reader, rng, rejected) for _ in range(self.repeats)
                    ]
            except FrameReadError as error:
                if self.test_mode:
                    raise
                rejected['unreadable'] += 1
                self._note_unreadable(error)
            else:
                if None not in clips:
                    break
            index = int(rng.integers(len(self)))
        else:
            hint = (
                'these files are damaged'
                if rejected.keys() == {'unreadable'}
                else f'is min_motion={self.min_motion} too strict?'
            )
            raise ValueError(
                f'{self.source.root}: no acceptable {self.rule.noun} in {self.max_refetch + 1} '
                f'items, last {item["source"]}; thrown away: {dict(rejected)}; {hint}'
            )
        self.rejected.update(rejected)
        if rejected:
            clips[0]['rejected'] = dict(rejected)
        items = [
            self.pipeline(dict(clip, rng=rng, seed=int(rng.integers(2**63)))) for clip in clips
        ]
        return items if self.repeats > 1 else items[0]

    def _draw_clip(
        self, item: dict, reader, rng: np.random.Generator, rejected: Counter[str]
    ) -> dict | None:
        """Draw and read a clip that the filters accept; None if there seems to be none."""
        rule = self.rule
        axis, tolerance = self.source.axis(reader.frame_ids, reader.timestamps)
        starts = item.get('starts') if rule.starts == 'any' else reader.keyframes
        for _ in range(self.max_redraws + 1):
            clip = draw_clip(rng, axis, rule.spacing, rule.num_frames, tolerance, starts)
            if clip is None:
                keyframes = None if rule.starts == 'any' else len(starts)
                raise FrameReadError(item['source'], rule.none_found(len(axis), keyframes))
            if self.filter_scene_cuts and clip_has_scene_cut(
                reader.thumbnails(clip[0], clip[-1], THUMBNAIL_SIZE), np.subtract(clip, clip[0])
            ):
                rejected['scene_cut'] += 1
                continue
            frames = reader.read(clip)
            if self.min_motion is not None and mean_motion(frames) < self.min_motion:
                rejected['no_motion'] += 1
                continue
            return dict(
                source=item['source'],
                source_id=item['source_id'],
                frames=frames,
                frame_ids=tuple(int(reader.frame_ids[i]) for i in clip),
                timestamps=tuple(float(reader.timestamps[i]) for i in clip),
                ori_shape=frames[0].shape[:2],
            )
        return None

    def _note_unreadable(self, error: FrameReadError) -> None:
        """Log a file once, and refuse the data if too many have failed."""
        if error.path in self.unreadable:
            return
        self.unreadable[error.path] = error.reason
        warn(f'{error}; another sample is taken (file {len(self.unreadable)} in this process)')
        bad = {**self.source.bad, **self.unreadable}
        if self.source.too_many(bad):
            self.source.check_bad(bad)
