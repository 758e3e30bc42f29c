"""Writes a set of scenes as videos, labelled images, boxes and descriptions."""

import os
from collections.abc import Mapping
from contextlib import nullcontext
from dataclasses import asdict
from fractions import Fraction
from itertools import starmap
from pathlib import Path

import av
import cv2
from tqdm import tqdm

from poodle_mm.catalog import CATALOG, STREET_CLASSES
from poodle_mm.utils.files import read_json, replacing, write_image, write_json
from poodle_mm.utils.processes import process_pool
from poodle_scenes.boxes import LabelledFrame, object_boxes, to_coco
from poodle_scenes.scene import (
    RENDERER_VERSION,
    Scene,
    SceneSpec,
    build_scene,
    render_colour,
    render_labels,
)

SPLITS = tuple(CATALOG['scenes'].splits)
_SEEDS_PER_SPLIT = 1_000_000


def write_scenes(
    root: str | Path,
    counts: Mapping[str, int],
    size: tuple[int, int] = (288, 512),
    num_frames: int = 40,
    fps: float = 10.0,
    labelled_frames: int = 4,
    seed: int = 0,
    workers: int = 1,
) -> Path:
    """Render scenes into a folder; what an earlier, interrupted call finished is kept.

    ``videos/<split>/scene_00012.mp4`` with ``scene_00012.json`` beside it (for `exact_flow`),
    ``images/<split>/scene_00012_000007.png`` and ``labels/<split>/scene_00012_000007.png`` (train
    ids) for the labelled frames, the number being the frame's; ``annotations/<split>.json`` has
    their boxes in COCO's format (:func:`~poodle_scenes.boxes.object_boxes`; a folder from
    before there were boxes gets them). ``meta.json`` comes last, so a folder without it is
    unfinished. Splits never share a seed.

    Args:
        root: the folder; made when missing.
        counts: scenes per split, keys among 'train', 'val', 'test'.
        size: (H, W) in pixels, both even.
        num_frames: frames per scene.
        fps: frames per second.
        labelled_frames: frames per scene with image and labels, evenly spread.
        seed: seed of the set; another one gives other scenes.
        workers: processes; 1 renders in this one. They end with this process, however it ends.

    Returns:
        The folder.

    Raises:
        ValueError: an unknown split, a negative count, an odd size, more labelled frames than
            frames, or a folder made with other parameters.
    """
    root = Path(root)
    unknown = set(counts) - set(SPLITS)
    if unknown or any(not 0 <= n < _SEEDS_PER_SPLIT for n in counts.values()):
        raise ValueError(f'counts {dict(counts)}: give numbers >= 0 for some of {SPLITS}')
    if size[0] % 2 or size[1] % 2:
        raise ValueError(f'size {tuple(size)}: videos need an even height and width')
    if not 0 <= labelled_frames <= num_frames:
        raise ValueError(f'labelled_frames {labelled_frames} must lie in 0..{num_frames}')
    parameters = dict(
        counts={split: int(counts.get(split, 0)) for split in SPLITS},
        size=list(size),
        num_frames=num_frames,
        fps=float(fps),
        labelled_frames=labelled_frames,
        seed=seed,
        renderer_version=RENDERER_VERSION,
        classes=list(STREET_CLASSES),
    )
    done, begun = root / 'meta.json', root / 'meta.json.part'
    for path in (done, begun):
        if path.is_file() and read_json(path) != parameters:
            raise ValueError(
                f'{root} holds scenes made with other parameters (see {path.name}): '
                'give another folder, or delete this one'
            )
    splits = [split for split in SPLITS if labelled_frames and parameters['counts'][split]]
    annotations = {split: root / 'annotations' / f'{split}.json' for split in splits}
    if done.is_file() and all(path.is_file() for path in annotations.values()):
        return root
    if not done.is_file():
        write_json(begun, parameters, indent=1)
    jobs = []
    for number, split in enumerate(SPLITS):
        for index in range(parameters['counts'][split]):
            scene_seed = (seed * len(SPLITS) + number) * _SEEDS_PER_SPLIT + index
            spec = SceneSpec(scene_seed, tuple(size), num_frames, float(fps))
            jobs.append((root, split, f'scene_{index:05d}', spec, labelled_frames))
    written = _run(jobs, workers)
    for split, path in annotations.items():
        frames = [f for job, found in zip(jobs, written) if job[1] == split for f in found]
        write_json(path, to_coco(frames, size))
    if not done.is_file():
        os.replace(begun, done)
    return root


def _run(jobs: list[tuple], workers: int) -> list[list[LabelledFrame]]:
    """Results of :func:`write_scene` for each job."""
    with process_pool(workers) if workers > 1 else nullcontext() as pool:
        written = pool.map(write_scene, *zip(*jobs)) if pool else starmap(write_scene, jobs)
        return list(tqdm(written, desc='scenes', total=len(jobs), unit='scene'))


def write_scene(
    root: Path, split: str, name: str, spec: SceneSpec, labelled_frames: int
) -> list[LabelledFrame]:
    """Render one scene, unless that was done; its description comes last and marks it as complete.

    Returns:
        Its labelled frames with their boxes.
    """
    cv2.setNumThreads(0)
    scene = build_scene(spec.seed, spec.size, spec.num_frames, spec.fps)
    numbers = [int((k + 0.5) * spec.num_frames / labelled_frames) for k in range(labelled_frames)]
    labelled = {k: f'{name}_{k:06d}.png' for k in numbers}
    description = root / 'videos' / split / f'{name}.json'
    if read_json(description) is None:
        _render(scene, root, split, name, labelled)
        write_json(description, asdict(spec), indent=1)
    return [(file, *object_boxes(scene, k / spec.fps)) for k, file in labelled.items()]


def _render(scene: Scene, root: Path, split: str, name: str, labelled: dict[int, str]) -> None:
    """Write video, images and labels."""
    spec = scene.spec
    video = root / 'videos' / split / f'{name}.mp4'
    with (
        replacing(video, durable=True) as part,
        av.open(str(part), 'w', format='mp4') as container,
    ):
        rate = Fraction(spec.fps).limit_denominator(1001)
        # Keyframes only: 13 % more bytes at this noise and motion, half the decoding for a pair.
        options = {'crf': '16', 'preset': 'veryfast', 'g': '1'}
        stream = container.add_stream('libx264', rate=rate, options=options)
        stream.height, stream.width = spec.size
        stream.pix_fmt = 'yuv420p'
        stream.codec_context.thread_count = 1
        for k in range(spec.num_frames):
            rgb = render_colour(scene, k / spec.fps)
            container.mux(stream.encode(av.VideoFrame.from_ndarray(rgb, format='rgb24')))
            if k in labelled:
                write_image(root / 'images' / split / labelled[k], rgb[..., ::-1])
                labels = render_labels(scene, k / spec.fps)
                write_image(root / 'labels' / split / labelled[k], labels)
        container.mux(stream.encode())
