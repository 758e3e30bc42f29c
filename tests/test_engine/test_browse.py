"""Looking at pairs before training: the draws are the training's, the verdict is as the data."""

from dataclasses import replace
from itertools import islice

import numpy as np
import pytest
import torch

from poodle_mm.engine.browse.draws import Draws
from poodle_mm.engine.browse.rows import Row, measure
from poodle_mm.engine.browse.verdict import LIMITS, Keys, delta_bins, verdict
from poodle_mm.engine.train import build_runner
from tests.test_engine import browse_videos as videos
from tests.test_engine.toy_pairs import toy_config

KEYS = Keys(
    'train_dataloader.dataset', 'delta', 'train_dataloader.dataset.pipeline.0.scale', 'flow'
)


def fill(root, kind, count: int = 4):
    for seed in range(count):
        videos.write(root / f'{kind.__name__}_{seed}.mp4', kind(seed))
    return root


def look(cfg, folder, count: int = 24) -> tuple[list[Row], dict[str, str]]:
    """Rows, and the advice of each line of the verdict."""
    draws = Draws(cfg, folder)
    rows = [measure(drawn) for drawn in islice(draws, count)]
    lines = verdict(rows, KEYS, draws.unreadable, draws.num_files)
    return rows, {line.name: line.advice for line in lines}


def warned(advice: dict[str, str]) -> set[str]:
    return {name for name, text in advice.items() if text}


@pytest.mark.parametrize(
    ('kind', 'expected', 'key'),
    [
        (videos.moving, set(), ''),
        (videos.static, {'static'}, 'min_motion'),
        (videos.with_cut, {'cut'}, 'filter_scene_cuts'),
        (videos.black, {'static', 'constant'}, 'check_data'),
    ],
)
def test_verdict_of_known_videos(tmp_path, kind, expected, key):
    root = fill(tmp_path / 'data', kind)
    before = sorted(root.iterdir())
    rows, advice = look(videos.config(root), tmp_path / 'out')
    assert warned(advice) == expected
    assert all(LIMITS.keys() >= {name} for name in advice)
    assert key in ''.join(advice.values())
    assert sorted(root.iterdir()) == before, 'the index of the videos belongs into the folder'
    if kind is videos.moving:  # the pair's own motion, and whole frames at their own size
        wanted = [videos.STEP * row.distance for row in rows]
        np.testing.assert_allclose([row.motion for row in rows], wanted, atol=0.2)
        assert {row.distance for row in rows} <= {4, 5, 6}
        assert {round(row.density, 3) for row in rows} == {1.0} == {row.area for row in rows}
        assert all(row.after < 0.5 * row.before for row in rows)
    if kind is videos.with_cut:
        middle = videos.FRAMES // 2
        assert [row.cut for row in rows] == [r.frames[0] < middle <= r.frames[1] for r in rows]
        assert any(row.cut for row in rows)


def test_enlarged_crops(tmp_path):
    """A third of the frame's side for the whole: a ninth of a source pixel a pixel."""
    root = fill(tmp_path / 'data', videos.moving, 2)
    cfg = videos.config(root, train_dataloader__dataset__pipeline__0__scale=(3.0, 3.0))
    rows, advice = look(cfg, tmp_path / 'out', 8)
    assert advice['enlarged'] and 'pipeline.0.scale' in advice['enlarged']
    assert rows[0].density == pytest.approx(1 / 9) and rows[0].area == pytest.approx(1 / 9)


def test_unreadable_files(tmp_path):
    root = fill(tmp_path / 'data', videos.moving, 10)
    (root / 'empty.mp4').touch()
    draws = Draws(videos.config(root), tmp_path / 'out')
    lines = verdict([], KEYS, draws.unreadable, draws.num_files)
    assert draws.num_files == 11 and [*draws.unreadable] == ['empty.mp4']
    assert [line.name for line in lines if line.advice] == ['unreadable']
    assert '1 of 11 (empty.mp4: empty file)' in lines[-1].text


GOOD = Row('a.mp4', (0, 10), 0.3, motion=5.0, valid=0.8, before=20.0, after=5.0, fallback=0.0)
GOOD = replace(GOOD, static=False, unmatched=False, cut=False, density=1.0)


@pytest.mark.parametrize(
    ('name', 'bad', 'key'),
    [
        ('static', dict(static=True), 'min_motion'),
        ('cut', dict(cut=True), 'filter_scene_cuts'),
        ('unmatched', dict(unmatched=True), 'dataset.delta'),
        ('valid', dict(valid=0.0), 'dataset.delta'),
        ('fallback', dict(fallback=1.0), 'subcrops.jitter'),
        ('enlarged', dict(density=0.2), 'pipeline.0.scale'),
        ('constant', dict(constant=True), 'data_root'),
    ],
)
def test_a_line_warns_when_its_limit_is_passed(name, bad, key):
    """So many bad rows of a thousand that the limit is just kept, and one more."""
    smallest = name == 'valid'
    share = 1 - LIMITS[name] / 0.8 if smallest else LIMITS[name]
    most = int(share * 1000 + 1e-9)
    for count, expected in ((most, False), (most + 1, True)):
        rows = [replace(GOOD, **bad)] * count + [GOOD] * (1000 - count)
        (line,) = (line for line in verdict(rows, KEYS, {}, 5) if line.name == name)
        assert bool(line.advice) == expected, line
        assert not expected or key in line.advice


def test_what_the_warp_leaves_is_of_pairs_that_move_and_match():
    useless = replace(GOOD, after=19.0)
    for rows, expected in (
        ([useless] * 3, True),
        ([useless] * 3 + [GOOD] * 4, False),
        ([replace(useless, static=True)] * 9 + [GOOD], False),
    ):
        (line,) = (line for line in verdict(rows, KEYS, {}, 5) if line.name == 'left')
        assert bool(line.advice) == expected


def test_valid_share_by_delta():
    """Ten distances in bins of two; only the last one is too far."""
    rows = [
        replace(GOOD, frames=(0, d), valid=0.1 if d > 8 else 0.9)
        for d in range(1, 11)
        for _ in '12'
    ]
    bins = delta_bins(rows)
    assert [(name, len(inside)) for name, inside in bins] == [
        (name, 4) for name in ('1–2', '3–4', '5–6', '7–8', '9–10')
    ]
    (line,) = (x for x in verdict(rows, KEYS, {}, 5) if x.name == 'valid_by_delta')
    assert '9–10: 10% (4)' in line.text and 'at 9–10 frames' in line.advice
    assert [name for name, _ in delta_bins([GOOD])] == ['10'] and not delta_bins([])


def test_draws_are_those_of_the_training(tmp_path):
    """Frames, views and subcrops of the runner's own loader, in its order and over its epochs."""
    root = fill(tmp_path / 'data', videos.moving, 3)
    small = dict(processes=1, train_dataloader__num_workers=0, train_dataloader__batch_size=2)
    cfg = videos.config(root, **small, train_dataloader__dataset__repeats=2)
    drawn = [*islice(Draws(cfg, tmp_path / 'out'), 8)]  # an epoch has 6

    cfg = videos.config(root, **small, train_dataloader__dataset__repeats=2)
    cfg.work_dir = str(tmp_path / 'run')
    runner = build_runner(cfg)
    runner._train_loop = runner.build_train_loop(runner._train_loop)
    batches = [*islice(runner.train_dataloader, 2)]
    assert [d.record.frame_ids for d in drawn] == [
        s.frame_ids for batch in batches for s in batch['data_samples']
    ]
    for number, batch in enumerate(batches):
        views = runner.model.data_preprocessor(batch, True)['inputs']
        for place in range(4):
            own = drawn[4 * number + place].views
            for name in ('frames', 'dense', 'flow', 'affine'):
                assert torch.equal(own[name], views[name][:, place]), name
            for name in ('subcrops', 'boxes'):
                assert torch.equal(own[name], views[name][:, :, place]), name


def test_crops_of_image_views(tmp_path):
    """BYOL's two views: each crop of the frame, resized, is the view, up to mirroring."""
    root = fill(tmp_path / 'data', videos.moving, 2)
    cfg = videos.config(root, 'byol_r18_scenes_128x128')
    for view in cfg.train_dataloader.dataset.pipeline[0].pipelines:
        del view[1:]  # the crop alone
    (drawn,) = islice(Draws(cfg, tmp_path / 'out'), 1)
    assert len(drawn.record.crops) == len(drawn.views) == 2
    for ((x0, y0, x1, y1), size), view in zip(drawn.record.crops, drawn.views):
        assert size == (128, 128) == tuple(view.shape[-2:])
        cut = drawn.record.frames[0][y0:y1, x0:x1].mean(axis=(0, 1))
        mean = torch.tensor([0.485, 0.456, 0.406]) * 255
        std = torch.tensor([58.395, 57.12, 57.375])
        np.testing.assert_allclose(view.mean((1, 2)) * std + mean, cut, atol=1.5)
    row = measure(drawn)
    areas = [(x1 - x0) * (y1 - y0) for (x0, y0, x1, y1), _ in drawn.record.crops]
    assert row.density == pytest.approx(min(areas) / 128**2) and row.static is None


def test_missing_weights_name_the_option(tmp_path):
    root = fill(tmp_path / 'data', videos.moving, 2)
    cfg = videos.config(root)
    cfg.model.data_preprocessor.flow = dict(type='RAFTFlow', weights=str(tmp_path / 'none.pth'))
    with pytest.raises(FileNotFoundError, match=r'none\.pth.*--flow dis'):
        next(iter(Draws(cfg, tmp_path / 'out')))
    draws = Draws(cfg, tmp_path / 'out', dict(type='DISFlow'))
    assert next(iter(draws)).views['flow'].isfinite().all()


def test_other_data_sets_are_refused(tmp_path):
    cfg = toy_config(tmp_path)
    with pytest.raises(ValueError, match='ToyPairs'):
        Draws(cfg, tmp_path / 'out')
