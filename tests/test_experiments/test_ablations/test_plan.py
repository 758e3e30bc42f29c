"""Runs of a study: the paper's recipes, shared runs, command lines that mean what the plan says."""

import argparse
import shlex
import signal
import subprocess
import sys

import pytest
from mmengine.config import DictAction

from poodle_mm.datasets import PairRandomCrop
from poodle_mm.engine.config import load_config
from poodle_mm.experiments.ablations.budget import pairs_per_step
from poodle_mm.experiments.ablations.plan import (
    PlanOptions,
    choose,
    plan_run,
)
from poodle_mm.experiments.ablations.recipe import describe
from poodle_mm.experiments.ablations.reproduce import reproduce
from poodle_mm.experiments.ablations.runs import job_line, readout_commands, train_command
from poodle_mm.experiments.ablations.studies import EDITIONS, STUDIES, TABLE_4, studies_of

SUBCROP_AREAS = ((0.04, 0.18), (0.18, 0.36), (0.36, 0.54), (0.54, 1.0))


@pytest.fixture
def plan(repo, tmp_path):
    """A function from study, row, seed and arguments to a run."""

    def make(
        study: str,
        key: str,
        seed: int = 0,
        data: str = 'camvid',
        edition: str = 'seed',
        **arguments,
    ):
        args = PlanOptions(data, repo, tmp_path, **arguments)
        ((_, variant),) = choose(studies_of(study, edition), [key])
        return plan_run(variant, seed, args)

    return make


def parsed(command: list[str]) -> tuple[dict, list[str]]:
    """Options of a command as MMEngine's command line reads them, and the words before."""
    where = command.index('--cfg-options')
    options = dict(word.split('=', 1) for word in command[where + 1 :])
    return {k: DictAction._parse_iterable(v) for k, v in options.items()}, command[:where]


def dry_run(capsys, repo, tmp_path, study: str, **arguments) -> dict[str, dict[str, str]]:
    """What a dry run prints: row to topic to text."""
    which = {k: arguments.pop(k) for k in ('rows', 'edition') if k in arguments}
    args = PlanOptions(root=repo, work_dir=tmp_path, **arguments)
    reproduce(study, args, mode='dry-run', **which)
    rows = {}
    for line in capsys.readouterr().out.splitlines():
        if not line.startswith(' '):
            row = rows.setdefault(line.split(':')[0], {})
        else:
            topic, text = line.split(maxsplit=1)
            row[topic] = text
    return rows


def test_table_4_on_bdd100k_is_the_authors_recipe(capsys, repo, tmp_path):
    rows = dry_run(capsys, repo, tmp_path, 'table 4', data='bdd100k', rows=list('1234567'))
    for flow in ('uflow_kitti', 'uflow_bdd'):
        rows.pop(flow)  # see test_flow_runs.py
    for key, row in rows.items():
        assert row['data'] == (
            'videos data/bdd100k, Δ 15 frames, crop scale 0.75–1.25 of a short side of 1080 → '
            '256×512, R = 10 pairs a visit'
        )
        assert row['schedule'] == (
            'AdamW 0.001, weight decay 1e-06, eps 1e-06, 40 pairs a step, 40 epochs, 3 of them '
            'warm-up, cosine to 40, target momentum from 0.996'
        )
        assert row['readout'] == '--suite bdd100k --readouts linear'
        assert row['flow'] == (
            f'UFlow weights={tmp_path}/bdd100k/uflow_bdd_s0/iter_100000.pth size=(256, 512)'
            if key == '6'
            else 'RAFTFlow arch=large weights=C_T_V1 num_updates=24'
        )
        assert row['views'] == (
            'photometric brightness=0.8 contrast=0.8 saturation=0.8 hue=0.2 blur_prob=(0.5, 0.5) '
            'blur_reference=None blur_kernel=0.1, affine none'
        )
        assert row['processes'] == '2'
        with_pool = key not in '15'
        assert row.get('subcrops') == (
            'K = 6 pairs of 192×192, area 0.05–0.3, target above-online' if with_pool else None
        )
    both, blocks = '0.25 dense + 0.25 pooled loss', 'bottleneck before upsampling'
    models = {key: row['model'].removeprefix('PooDLe: ResNet-50, ') for key, row in rows.items()}
    assert models == {
        '1': 'dilated to stride 8, no decoder, 0.25 dense loss',
        '2': f'dilated to stride 8, no decoder, {both}',
        '3': f'stride 32, decoder (blocks: {blocks}, laterals: none), {both}',
        '4': f'dilated to stride 8, decoder (blocks: none, laterals: linear), {both}',
        '5': f'stride 32, decoder (blocks: {blocks}, laterals: linear), 0.25 dense loss',
        '6': f'stride 32, decoder (blocks: {blocks}, laterals: linear), {both}',
        '7': f'stride 32, decoder (blocks: {blocks}, laterals: linear), {both}',
    }


def test_strides_in_words(repo, tmp_path, capsys):
    """Those of the small configs in the paper's counts of cells are half of the usual ones."""
    rows = dry_run(capsys, repo, tmp_path, 'position', data='camvid-cells')
    shifted = ['1-shifted', '5-shifted', '7-shifted']
    assert [*rows] == ['1', '5', '7', *shifted, '1-reflect', '7-reflect']
    for key, row in rows.items():
        word = 'dilated to stride 4, no decoder' if key[0] == '1' else 'stride 16, decoder'
        assert row['model'].startswith(f'PooDLe: ResNet-18, {word}')
        assert ('translate=0.25' in row['views']) == key.endswith('-shifted')


def test_recipes_in_words(repo):
    """Of the text's recipe, of a mixture, and of a loader whose pass is not an epoch."""
    cfg = load_config(repo / 'configs/poodle_r50_bdd.py')
    words = describe(cfg)
    assert words['data'] == (
        'videos data/bdd100k, Δ 15–30 frames, crop scale 0.75–1.25 of a short side of 1080 → '
        '512×1024, R = 2 pairs a visit'
    )
    assert words['views'] == 'photometric BYOL’s, affine scale=(0.9, 1.1) angle=(-10, 10)'
    assert words['subcrops'] == 'K = 6 pairs of 192×192, area 0.05–0.3'
    assert words['model'] == (
        'PooDLe: ResNet-50, stride 32, decoder (blocks: bottleneck, laterals: linear), '
        'dense + pooled loss'
    )
    assert '100 epochs, 2 of them warm-up, cosine to 300' in words['schedule']
    cfg.train_dataloader.sampler.parts = 1  # a pass with two pairs a visit is two epochs
    assert '200 epochs, 4 of them warm-up, cosine to 600' in describe(cfg)['schedule']

    mixture = load_config(repo / 'configs/ablations/camvid/poodle_r18_camvid_96x192.py')
    assert describe(mixture)['data'] == (
        'frames data/camvid, Δ 0.5–1.5 seconds + frames data/driving_frames, Δ 0.5–1 seconds, '
        'crop scale 0.75–1.25 of a short side of 192 → 96×192'
    )
    assert '16 pairs a step' in describe(mixture)['schedule']
    for dataset in mixture.train_dataloader.dataset.datasets:
        dataset.repeats = 3
    assert describe(mixture)['data'].endswith('R = 3 pairs a visit')
    assert '48 pairs a step' in describe(mixture)['schedule']


def test_figures_on_bdd100k_are_the_papers_sweeps(capsys, repo, tmp_path):
    crops, subcrops = {}, {}
    for study in ('figure 5', 'figure 7', 'figure 9'):
        for key, row in dry_run(capsys, repo, tmp_path, study, data='bdd100k').items():
            assert '40 epochs' in row['schedule']
            crops[key] = row['data'].split(', crop ')[1].split(', R =')[0].removeprefix('area ')
            subcrops[key] = row.get('subcrops', '').removesuffix(', target above-online') or None
            assert ('area ' in row['data']) == (study == 'figure 5')
            if study != 'figure 5':
                assert crops[key] == 'scale 0.75–1.25 of a short side of 1080 → 256×512'
            if study == 'figure 9':
                assert f'Δ {key.removeprefix("9-")} frames' in row['data']
    areas = ['0.05–0.25', '0.25–0.5', '0.5–0.75', '0.75–1']
    for height, width in ((256, 512), (384, 768)):
        for area in areas:
            key = f'5a-{height}-{float(area.split("–")[0])}'
            assert crops[key] == f'{area} → {height}×{width}'
    for low, high in SUBCROP_AREAS:
        assert crops[f'5b-{low}'] == '0.125–0.25 → 256×512'
        assert subcrops[f'5b-{low}'] == f'K = 6 pairs of 192×192, area {low:g}–{high:g}'
    fixed_density = {
        192: ('0.07–0.14 → 192×384', '0.05–0.3'),
        256: ('0.125–0.25 → 256×512', '0.05–0.3'),
        320: ('0.195–0.39 → 320×640', '0.032–0.192'),
        384: ('0.281–0.563 → 384×768', '0.022–0.133'),
    }
    for method in ('poodle', 'dense-only', 'pooled-only', 'flowe'):
        for height, (crop, area) in fixed_density.items():
            assert crops[f'5c-{method}-{height}'] == crop
            pooled = method in ('poodle', 'pooled-only')
            found = subcrops[f'5c-{method}-{height}']
            assert found == (f'K = 6 pairs of 192×192, area {area}' if pooled else None)
    for k in (3, 6, 9):
        assert subcrops[f'7-{k}'] == f'K = {k} pairs of 192×192, area 0.05–0.3'
    assert subcrops['7-0'] is None
    assert len(crops) == 8 + 4 + 16 + 4 + 4


def test_figures_of_the_later_paper(capsys, repo, tmp_path):
    rows = {}
    for study in ('figure 5', 'figure 9'):
        rows |= dry_run(capsys, repo, tmp_path, study, data='bdd100k', edition='iclr')
    crops = {}
    for size in ('128×256', '256×512', '512×1024'):
        height = size.split('×')[0]
        for mean in ('0.05', '0.125', '0.2', '0.275', '0.425', '0.725'):
            if (height, mean) not in (('512', '0.05'), ('512', '0.2')):
                crops[f'5a-{height}-{mean}'] = f'area N({mean}, 0.1) within 0.02–1 → {size}'
    for low, _ in SUBCROP_AREAS:
        crops[f'5b-{low}'] = 'area 0.125–0.25 → 256×512'
    for frames in (0, 8, 15, 30, 45):
        crops[f'9-{frames}'] = 'scale 0.75–1.25 of a short side of 1080 → 256×512'
    assert rows.keys() == crops.keys() and len(crops) == 6 + 6 + 4 + 4 + 5
    areas = {f'5b-{low}': f'{low:g}–{high:g}' for low, high in SUBCROP_AREAS}
    for key, row in rows.items():
        delta = key.removeprefix('9-') if key.startswith('9') else '15'
        assert row['data'] == (
            f'videos data/bdd100k, Δ {delta} frames, crop {crops[key]}, R = 10 pairs a visit'
        )
        area = areas.get(key, '0.05–0.3')
        assert row['subcrops'] == f'K = 6 pairs of 192×192, area {area}, target above-online'
        assert '40 epochs' in row['schedule']


def test_normal_crop_area_reaches_the_config(plan):
    """The range stays beside it, as that of the truncated normal; sizes shrink with the data."""
    run = plan('figure 5', '5a-512-0.425', edition='iclr')
    options, _ = parsed(train_command(run))
    crop = load_config(run.config, options).train_dataloader.dataset.pipeline[0]
    assert tuple(crop.area_normal) == (0.425, 0.1) and tuple(crop.area) == (0.02, 1.0)
    assert tuple(crop.size) == (256, 512)


@pytest.mark.parametrize('data', ['bdd100k', 'camvid', 'scenes-exact'])
@pytest.mark.parametrize(('edition', 'study'), [(e, s) for e in EDITIONS for s in EDITIONS[e]])
def test_every_crop_of_a_sweep_can_be_built(plan, edition, study, data):
    """A swept area takes the place of the configs' scale law; the transform refuses both."""
    for part in studies_of(study, edition):
        for variant in part.variants:
            swept = 'area' in variant.settings
            if (variant.method, variant.arch) != ('poodle', None) or (
                (data == 'scenes-exact' and variant.settings.get('delta') == 0)
                or (variant.exact and data != 'scenes-exact')
            ):
                continue
            cfg = plan(study, variant.key, edition=edition, data=data).load()
            config = dict(cfg.train_dataloader.dataset.pipeline[0])
            assert config.pop('type') == 'PairRandomCrop'
            crop = PairRandomCrop(**config)
            assert crop.area == (variant.settings['area'] if swept else None)
            assert crop.scale == (None if swept else (0.75, 1.25))


def test_a_pasted_line_carries_none(plan, tmp_path, monkeypatch):
    """Through a real shell and the tool's own parser: ``scale=None`` arrives as None."""
    run = plan('figure 5', '5a-256-0.275', edition='iclr', data='bdd100k', processes=1)
    assert run.work_dir.name == (
        'poodle_r50_bdd_256x512_40e_area0.02-1_area_normal0.275-0.1_s0'  # without a word of scale
    )
    tool = tmp_path / 'python'
    tool.write_text('#!/bin/sh\nprintf "%s\\n" "$@"\n')
    tool.chmod(0o755)
    line = job_line(run).split(' && ')[0]
    path = f'{tmp_path}:/usr/bin:/bin'
    shell = subprocess.run(
        ['bash', '-c', line], env=dict(PATH=path), capture_output=True, text=True
    )
    script, *words = shell.stdout.splitlines()
    assert script == 'tools/train.py'
    parser = argparse.ArgumentParser()
    parser.add_argument('config')
    parser.add_argument('--work-dir')
    parser.add_argument('--resume')
    parser.add_argument('--cfg-options', nargs='+', action=DictAction)
    args = parser.parse_args(words)
    crop = 'train_dataloader.dataset.pipeline.0'
    assert args.cfg_options[f'{crop}.scale'] is None
    assert load_config(args.config, args.cfg_options).to_dict() == run.load().to_dict() | dict(
        processes=1
    )


def test_further_options_may_be_none(plan):
    """Those of ``--cfg-options`` reach the training, None and all."""
    key = 'model.data_preprocessor.subcrops'
    run = plan('table 4', '7', cfg_options={key: None})
    options, _ = parsed(train_command(run))
    assert options == {key: None}
    assert load_config(run.config, options).model.data_preprocessor.subcrops is None


def test_editions_share_runs(plan):
    """The area of subcrops, and Δ of 30 frames, are the same trainings in both editions."""
    for study, key in (('figure 5', '5b-0.54'), ('figure 9', '9-30')):
        first, later = (
            plan(study, key, data='bdd100k', edition=edition) for edition in ('seed', 'iclr')
        )
        assert train_command(first) == train_command(later)  # 30 frames, not 30.0
    assert plan('figure 9', '9-8', data='scenes', edition='iclr').options[
        'train_dataloader.dataset.delta'
    ] == pytest.approx(0.5 * 8 / 15)  # half a second stands for 15 frames
    names = [
        part.name for studies in EDITIONS.values() for parts in studies.values() for part in parts
    ]
    assert len(set(names)) == len(names)  # of the reports' files
    with pytest.raises(ValueError, match='figure 7: --edition iclr has only figure 5, figure 9'):
        plan('figure 7', '7-3', edition='iclr')


def test_density_is_fixed():
    """Source pixels per input pixel and subcrop content agree within the paper's rounding."""
    frame = 1280 * 720
    for variant in STUDIES['figure 5'][2].variants:
        size, area = variant.settings['size'], variant.settings['area']
        density = sum(area) / 2 * frame / (size[0] * size[1])
        assert density == pytest.approx(1.32, rel=0.02)  # the paper's number
        if size[0] > 256:
            content = variant.settings['subcrop_area'][1] * sum(area) / 2
            assert content == pytest.approx(0.3 * 0.1875, rel=0.01)


def test_a_default_value_is_no_other_run(plan):
    """K = 6 and Δ = 15 are row 7 itself on BDD100K: the sweeps share its folder; K = 3 is not."""
    row = plan('table 4', '7', data='bdd100k')
    for edition in EDITIONS:
        fifteen = plan('figure 9', '9-15', data='bdd100k', edition=edition)
        assert fifteen.work_dir == row.work_dir and fifteen.options == row.options
    same, other = (plan('figure 7', f'7-{k}', data='bdd100k') for k in (6, 3))
    assert same.work_dir == row.work_dir and same.options == row.options
    assert other.work_dir.name == 'poodle_r50_bdd_256x512_40e_subcrops-num3_s0'
    assert other.options == {'model.data_preprocessor.subcrops.num': 3}


@pytest.mark.parametrize(
    ('edition', 'study'), [(e, s) for e in EDITIONS for s in EDITIONS[e] if s != 'methods']
)
def test_folders_differ_where_runs_do(plan, edition, study):
    """No two runs with different options share a folder."""
    found = {}
    for part in studies_of(study, edition):
        for variant in part.variants:
            if variant.method not in ('byol', 'densecl'):
                if variant.exact:  # of other data
                    continue
                data = part.data[-1] if part.data else 'camvid'
                run = plan(study, variant.key, data=data, edition=edition)
                options = found.setdefault(run.work_dir, run.options)
                assert options == run.options


def test_command_means_what_the_plan_says(plan):
    """Reading the command's options as MMEngine does gives the plan's config."""
    run = plan(
        'figure 5',
        '5a-384-0.25',
        seed=3,
        budget='1600pairs',
        data_root='/data/camvid',
        driving='/data/driving',
    )
    options, words = parsed(train_command(run))
    assert words[:2] == ['python', 'tools/train.py'] and '--resume' in words
    cfg = load_config(run.config, options)
    assert cfg.to_dict() == run.load().to_dict()
    assert cfg.train_cfg.max_iters == 100
    assert [s['end'] for s in cfg.param_scheduler] == [5, 100]
    first, second = cfg.train_dataloader.dataset.datasets
    assert (first.data_root, second.data_root) == ('/data/camvid', '/data/driving')
    crop = cfg.train_dataloader.dataset.pipeline[0]
    assert tuple(crop.size) == (192, 384)  # half of the paper's
    assert tuple(crop.area) == (0.25, 0.5)
    seeds = (cfg.randomness, cfg.train_dataloader.dataset, cfg.train_dataloader.sampler)
    assert [part.seed for part in seeds] == [3, 3, 3]
    assert run.checkpoint.name == 'iter_100.pth'
    (tail,) = readout_commands(run)
    assert f'5a-384-0.25={run.checkpoint}' in tail and tail[tail.index('--seed') + 1] == '3'


def test_roots(plan):
    """The second data set's folder alone; and a name that the command line would change."""
    run = plan('table 4', '7', driving='/data/driving')
    assert run.options == {'train_dataloader.dataset.datasets.1.data_root': '/data/driving'}
    with pytest.raises(ValueError, match='link the folder'):
        plan('table 4', '7', data_root='/my data/camvid')


def test_processes_keep_the_total_batch(plan):
    for processes, batch in ((1, 4), (2, 2), (4, 1)):
        run = plan('table 4', '7', data='bdd100k', processes=processes)
        assert run.load().train_dataloader.batch_size == batch
        assert pairs_per_step(run.load()) * processes == 40 * run.load().processes
    run = plan('table 4', '7', data='bdd100k', processes=2)
    command = train_command(run, port=29501)
    assert command[:4] == ['env', 'PORT=29501', 'bash', 'tools/dist_train.sh']
    assert command[5] == '2'
    with pytest.raises(ValueError, match='does not split into 3'):
        plan('table 4', '7', data='bdd100k', processes=3)


def test_what_needs_no_flow_is_shared(plan):
    """Random weights and image methods are the same runs with exact and with estimated flow."""
    for key in ('scratch', 'byol', 'densecl', '1'):
        exact, estimated = (plan('table 4', key, data=data) for data in ('scenes-exact', 'scenes'))
        same = (exact.config, exact.work_dir) == (estimated.config, estimated.work_dir)
        assert same == (key != '1')


def test_scratch_is_only_read_out(plan):
    run = plan('table 4', 'scratch', seed=2)
    (command,) = [shlex.split(part) for part in job_line(run).split('&&')]
    assert command[2] == 'scratch=none' and '--like' in command
    assert command[command.index('--seed') + 1] == '2'


def test_rows_by_pattern():
    keys = [v.key for _, v in choose((TABLE_4,), None)]
    assert keys == ['scratch', 'byol', 'densecl', *'12345', 'pooled', '6', '7']
    assert [v.key for _, v in choose(STUDIES['figure 5'], ['5c-flowe-*'])] == [
        f'5c-flowe-{height}' for height in (192, 256, 320, 384)
    ]
    with pytest.raises(ValueError, match="no row '8': there are scratch, byol"):
        choose((TABLE_4,), ['8'])


def test_same_frame_twice_has_no_exact_flow(plan):
    with pytest.raises(ValueError, match='use --data scenes'):
        plan('figure 9', '9-0', data='scenes-exact')
    run = plan('figure 9', '9-15', data='scenes')
    assert run.load().train_dataloader.dataset.delta == 0.5  # seconds


def test_dry_run_tool(repo, tmp_path):
    """The tool itself, with wrong arguments: one line, no trace."""
    for words, message in (
        (['--table', '4', '--rows', '9'], "no row '9'"),
        (['--table', '4', '--edition', 'iclr'], 'table 4: --edition iclr has only figure 5'),
    ):
        result = subprocess.run(
            [sys.executable, 'tools/reproduce.py', '--data', 'scenes', *words],
            cwd=repo,
            capture_output=True,
            text=True,
        )
        assert result.returncode and message in result.stderr
        assert 'Traceback' not in result.stderr


def test_a_closed_pipe_ends_a_dry_run_quietly(repo):
    """As ``| head`` does: no trace of a BrokenPipeError."""
    words = ['--table', '4', '--data', 'scenes', '--rows', 'scratch', '--dry-run']
    process = subprocess.Popen(
        [sys.executable, 'tools/reproduce.py', *words],
        cwd=repo,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    process.stdout.close()
    assert 'BrokenPipe' not in process.stderr.read()
    assert process.wait() == -signal.SIGPIPE
