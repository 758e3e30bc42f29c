"""The comparison of methods: equal frames, whole rows, costs in the table."""

import json

import pytest
import torch
from mmengine.config import Config

from poodle_mm.checkpoints import EncoderCheckpoint
from poodle_mm.evaluation.readout import config_file
from poodle_mm.experiments.ablations.costs import costs_of
from poodle_mm.experiments.ablations.plan import PlanOptions, choose, plan_run
from poodle_mm.experiments.ablations.recipe import describe
from poodle_mm.experiments.ablations.reproduce import reproduce
from poodle_mm.experiments.ablations.settings import MissingConfigError
from poodle_mm.experiments.ablations.studies import METHODS, TABLE_4, studies_of
from tests.test_evaluation.tiny import CONFIGS

VIT = dict(
    type='mmpretrain.VisionTransformer',
    arch=dict(embed_dims=96, num_layers=6, num_heads=3, feedforward_channels=384),
    img_size=128,
    patch_size=8,
)
BACKBONE = f"""
_base_ = ['byol_r18_scenes_128x128.py']
model = dict(backbone=dict(_delete_=True, **{VIT!r}))
train_dataloader = dict(dataset=dict(type='FrameClipDataset', num_frames=4, spacing=2))
train_dataloader['dataset']['pipeline'] = [dict(type='ClipViews')]
"""


@pytest.fixture
def checkout(repo, tmp_path):
    """A checkout with a method whose config others write, in two architectures."""
    configs = tmp_path / 'checkout' / 'configs'
    configs.mkdir(parents=True)
    for name in ('_base_', 'ablations', 'byol', 'demo', 'densecl', 'downstream'):
        (configs / name).symlink_to(repo / 'configs' / name)
    return tmp_path / 'checkout'


def add(checkout, name: str) -> None:
    """A config of a ViT on clips."""
    folder = checkout / 'configs' / name.split('_')[0]
    folder.mkdir(exist_ok=True)
    byol = checkout / 'configs' / 'byol' / 'byol_r18_scenes_128x128.py'
    text = BACKBONE.replace('byol_r18_scenes_128x128.py', str(byol))
    text = text.replace('dataset=dict(type=', "dataset=dict(_delete_=True, data_root='d', type=")
    (folder / f'{name}.py').write_text(text)


def plan(key: str, root, tmp_path, **options):
    ((_, variant),) = choose(studies_of('methods'), [key])
    return plan_run(variant, 0, PlanOptions('scenes', root, tmp_path / 'runs', **options))


@pytest.mark.parametrize(
    ('key', 'iters', 'config'),
    [
        ('byol', 800, 'byol_r18_scenes_128x128'),
        ('densecl', 800, 'densecl_r18_scenes_128x128'),
        ('flowe', 400, 'poodle_r18_scenes_96x192'),
        ('poodle', 400, 'poodle_r18_scenes_96x192'),
        ('dora', 200, 'dora_vit-xs8_scenes_128x128'),
    ],
)
def test_equal_frames(checkout, tmp_path, key, iters, config):
    """16 frames a step on single frames, 32 in pairs, 64 in clips of four: 12,800 of each."""
    add(checkout, 'dora_vit-xs8_scenes_128x128')
    run = plan(key, checkout, tmp_path, budget='12800frames')
    assert run.config.stem == config
    assert run.load().train_cfg.max_iters == iters
    costs = costs_of(run, dict(pairs=16 * iters, seconds=5))
    assert costs['frames'] == 12800 and costs['seconds'] == 5
    words = describe(run.load())
    unit, of = dict(dora=('clips', 'all frames'), byol=('frames', 'the first frame')).get(
        key, ('pairs', '')
    )
    if key != 'densecl':
        assert f', 16 {unit} a step, ' in words['schedule'] and words['data'].endswith(of)
    if key == 'dora':
        assert words['data'].startswith('videos d, clips of 4 frames, 2 frames apart')
        assert words['model'] == 'BYOL: ViT, 6 layers of 96, patches of 8'


def test_costs(checkout, tmp_path):
    """Parameters of what is read out: the encoder's of the model zoo, and the decoder's."""
    encoder = costs_of(plan('byol', checkout, tmp_path), {})['parameters']
    assert encoder == 702_096  # configs/byol/metafile.yml
    assert costs_of(plan('flowe', checkout, tmp_path), {})['parameters'] == encoder
    assert costs_of(plan('poodle', checkout, tmp_path), {})['parameters'] > encoder
    scratch = costs_of(plan('scratch', checkout, tmp_path), {})
    assert scratch == dict(seconds=0, frames=0, parameters=encoder)


def test_architecture_of_a_row(checkout, tmp_path):
    """One method in two architectures, and random weights of each, are runs of their own."""
    for arch in ('r18', 'vit-xs8'):
        add(checkout, f'dino_{arch}_scenes_128x128')
    runs = {key: plan(key, checkout, tmp_path) for key in ('dino', 'dino-vit', 'scratch-vit')}
    assert runs['dino'].config.stem == 'dino_r18_scenes_128x128'
    assert runs['dino-vit'].config.stem == 'dino_vit-xs8_scenes_128x128'
    assert runs['scratch-vit'].config == runs['dino-vit'].config and not runs['scratch-vit'].trains
    scratch = plan('scratch', checkout, tmp_path)
    assert len({run.work_dir for run in (*runs.values(), scratch)}) == 4


def test_rows_without_a_config(checkout, tmp_path, capsys):
    """They are left out with a note, or an error if they were asked for."""
    args = PlanOptions('scenes', checkout, tmp_path / 'runs', budget='12800frames')
    reproduce('methods', args, mode='dry-run')
    printed = capsys.readouterr()
    rows = {line.split(':')[0] for line in printed.out.splitlines() if not line.startswith(' ')}
    assert rows == {'scratch', 'byol', 'densecl', 'flowe', 'poodle', 'guided', 'poodle-vit'}
    assert 'DINO, ViT is left out: no config' in printed.err
    assert 'dino_vit-xs8_scenes_128x128.py' in printed.err
    with pytest.raises(MissingConfigError, match='mae_vit-xs8_scenes_128x128'):
        reproduce('methods', args, rows=['mae'], mode='dry-run')
    with pytest.raises(ValueError, match='scenes, camvid'):
        reproduce('methods', PlanOptions('bdd100k', checkout, tmp_path), mode='dry-run')


def test_runs_are_those_of_table_4(checkout, tmp_path):
    """Rows that both have are trained once."""
    args = PlanOptions('scenes', checkout, tmp_path)
    folders = [
        {v.method: plan_run(v, 0, args).work_dir for v in study.variants if v.key in keys}
        for study, keys in (
            (TABLE_4, ('scratch', 'byol', 'densecl', '1', '7')),
            (METHODS, ('scratch', 'byol', 'densecl', 'flowe', 'poodle')),
        )
    ]
    assert folders[0] == folders[1]


def test_table(checkout, tmp_path):
    """Scores beside seconds, frames and parameters; a dash where nothing was trained."""
    scores = dict(miou=31.5, acc=80.0, small=10.0, large=40.0, rare=5.0, common=35.0)
    for key in ('scratch', 'byol'):
        run = plan(key, checkout, tmp_path)
        result = dict(readout='linear', metrics=scores)
        run.readout_dir.mkdir(parents=True)
        (run.readout_dir / 'scenes.json').write_text(json.dumps(dict(results=[result])))
        stats = dict(pairs=12800, seconds=61.7)
        (run.work_dir / 'run_stats.json').write_text(json.dumps(stats)) if run.trains else None
    args = PlanOptions('scenes', checkout, tmp_path / 'runs')
    assert reproduce('methods', args, mode='report-only') == 0
    text = (tmp_path / 'runs' / 'scenes' / 'methods.md').read_text()
    rows = {line.split('|')[1].strip(): line for line in text.splitlines() if '|' in line}
    assert '| 31.5 | 80.0 |' in rows['BYOL']
    assert rows['BYOL'].replace(' ', '').endswith('|62|12800|0.70|1|')
    assert rows['Scratch'].replace(' ', '').endswith('|–|–|0.70|1|')
    assert 'Left out: PixPro (no config' in text


def test_vits_are_read_out_on_the_same_images():
    """Same pipelines, batch, length and optimizer as the ResNets'; large crops without a size."""
    vit, resnet = (EncoderCheckpoint(None, cfg) for cfg in (VIT, dict(type='mmpretrain.ResNet')))
    for suite in ('camvid', 'scenes'):
        files = [config_file(CONFIGS, suite, 'linear', each, whole=True) for each in (vit, resnet)]
        ours, theirs = (Config.fromfile(file) for file in files)
        for key in ('train_dataloader', 'test_dataloader', 'optim_wrapper', 'train_cfg'):
            assert ours[key] == theirs[key], key
        assert ours.model.test_cfg == dict(mode='whole')
        assert config_file(CONFIGS, suite, 'linear', vit).stem == f'linear_vit-s16_{suite}'
    seg = pytest.importorskip('poodle_mm.evaluation.segmentation')
    seg.set_encoder(ours, vit)
    seg.set_size(ours, (96, 192))
    from mmengine.registry import init_default_scope
    from mmseg.registry import MODELS

    init_default_scope('mmseg')
    maps = MODELS.build(ours.model).extract_feat(torch.zeros(1, 3, 96, 192))
    assert [tuple(m.shape) for m in maps] == [(1, 96, 12, 24)] * 4  # stride 8, as a dilated ResNet
