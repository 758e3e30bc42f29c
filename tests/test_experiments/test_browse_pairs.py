"""The contact sheet's files."""

import csv

import pytest

from poodle_mm.engine.config import load_config
from poodle_mm.experiments.browse_pairs import browse_pairs, config_keys
from tests.test_engine import browse_videos as videos


def test_files_of_pairs_with_something_wrong(tmp_path):
    """Cuts get a sheet of their own; the page says what to change, the table has every draw."""
    root = tmp_path / 'data'
    for seed in range(2):
        videos.write(root / f'{seed}.mp4', videos.with_cut(seed))
    out = tmp_path / 'out'
    files, lines = browse_pairs(
        'demo/poodle_r18_scenes', out, num=2, stats=16, cfg_options=videos.options(root)
    )
    assert [f.name for f in files] == [
        'pairs.md', 'pairs.html', 'pairs.png', 'flagged.png', 'pairs.csv'
    ]  # fmt: skip
    assert {p.name for p in tmp_path.iterdir()} == {'data', 'out'}
    (warned,) = (line for line in lines if line.advice)
    page = files[0].read_text(encoding='utf-8')
    assert warned.name == 'cut' and warned.advice in page and 'train on: 1 warning\n' in page
    with open(files[-1], newline='') as file:
        rows = [*csv.DictReader(file)]
    share = sum(row['cut'] == 'True' for row in rows) / len(rows)
    assert len(rows) == 16 and f'probable cuts: {share:.1%}' in warned.text


def test_a_training_of_flow_gets_flow_by_an_option(tmp_path):
    root = tmp_path / 'data'
    videos.write(root / 'a.mp4', videos.moving(0))
    known = videos.options(root, crop=False)
    names = {}
    for flow in (None, 'dis'):
        _, lines = browse_pairs('uflow_small_scenes', tmp_path / 'out', None, 1, 2, flow, known)
        names[flow] = {line.name for line in lines}
    assert names['dis'] - names[None] == {'cut', 'unmatched', 'valid', 'valid_by_delta', 'left'}
    assert {'static', 'enlarged', 'constant', 'unreadable'} == names[None]


def test_wrong_numbers_and_names():
    with pytest.raises(ValueError, match='--num and --stats'):
        browse_pairs('demo/poodle_r18_scenes', num=0)
    with pytest.raises(ValueError, match="'dos' is not one of zero, "):
        browse_pairs('demo/poodle_r18_scenes', flow='dos')


@pytest.mark.parametrize(
    ('name', 'distance', 'crop'),
    [
        ('poodle_r50_bdd', 'dataset.delta', 'dataset.pipeline.0.scale'),
        ('dora_vit-xs8_scenes_128x128', 'dataset.spacing', 'crop_ratio_range'),
        ('poodle_r18_camvid_96x192', 'dataset.datasets.N.delta', 'dataset.pipeline.0.scale'),
    ],
)
def test_keys_of_configs(name, distance, crop):
    keys = config_keys(load_config(name))
    assert keys.distance == f'train_dataloader.{distance}' and crop in keys.crop
