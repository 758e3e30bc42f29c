"""The study of a ViT's collapse: rows that can be planned, its report, pictures of norms."""

import json
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from mmengine.config import Config

from poodle_mm.experiments.ablations.settings import DATA
from poodle_mm.experiments.ablations.studies import studies_of
from poodle_mm.experiments.ablations.vit_study import VIT, last_maps, write_vit_report
from poodle_mm.registry import MODELS
from poodle_mm.utils.files import write_image
from poodle_mm.visualization.token_figure import norm_pictures

BACKBONE = dict(
    type='VisionTransformer',
    arch=dict(embed_dims=24, num_layers=2, num_heads=2, feedforward_channels=48),
    img_size=32,
    patch_size=8,
    out_type='featmap',
)


def test_rows_have_configs(repo):
    assert studies_of('vit') == (VIT,)
    for (study,) in (studies_of('vit'), studies_of('motion')):
        for variant in study.variants:
            for name in study.data:
                data = DATA[name]
                if not variant.exact or data.has_exact:
                    config, _ = data.of(variant.method, variant.exact).config(
                        repo / 'configs', variant.method
                    )
                    assert config.is_file()


def test_norms_are_shown_raw_and_clamped():
    """Nine tokens of norm 1 and one of 100: raw, nine are nearly black; clamped, all are alike."""
    norms = torch.ones(2, 5)
    norms[0, 0] = 100
    raw, clamped = (picture.astype(int) for picture in norm_pictures(norms))
    assert (raw[1, 1] == norm_pictures(torch.tensor([[0.01, 1.0]]))[0][0, 0]).all()
    assert raw[0, 0].sum() > raw[1, 1].sum()
    assert (clamped == clamped[0, 0]).all() and (clamped[0, 0] == raw[0, 0]).all()


@pytest.fixture
def runs(tmp_path):
    """What two trainings leave: a checkpoint, and a log."""
    made = []
    for seed, variant in enumerate(VIT.variants[::3][:2]):
        backbone = dict(BACKBONE, final_norm=variant.key == 'final-norm')
        torch.manual_seed(seed)
        model = MODELS.build(backbone)
        with torch.no_grad():
            model.pos_embed[0, 3] += 100 * torch.randn(24)  # one token is huge
        work_dir = tmp_path / variant.key
        (work_dir / '0' / 'vis_data').mkdir(parents=True)
        lines = [dict(step=s, iter=s, std_dense=1 / s, token_norm=2.0 * s) for s in (1, 2, 3)]
        text = '\n'.join(json.dumps(line) for line in lines)
        (work_dir / '0' / 'vis_data' / 'scalars.json').write_text(text)
        checkpoint = work_dir / 'iter_3.pth'
        state = {f'backbone.{key}': value for key, value in model.state_dict().items()}
        text = Config(dict(model=dict(backbone=backbone), default_scope='poodle_mm')).pretty_text
        torch.save(dict(state_dict=state, meta=dict(cfg=text)), checkpoint)
        made.append(
            SimpleNamespace(
                variant=variant,
                seed=0,
                work_dir=work_dir,
                checkpoint=checkpoint,
                readout=dict(suite=['scenes']),
            )
        )
    return made


def test_report(runs, tmp_path):
    data = tmp_path / 'data'
    (data / 'images' / 'test').mkdir(parents=True)
    rng = np.random.default_rng(0)
    for number in range(5):
        image = rng.integers(0, 255, (60, 110, 3), dtype=np.uint8)
        write_image(data / f'images/test/scene_00000_{number:06d}.png', image)
    missing = SimpleNamespace(**vars(runs[0]) | dict(checkpoint=tmp_path / 'none.pth'))
    assert write_vit_report([missing], tmp_path, data) == []  # measured, then deleted
    files = write_vit_report([*runs, missing], tmp_path, data)
    report = json.loads((tmp_path / 'vit_tokens.json').read_text())
    labels = [run.variant.label for run in runs]
    assert list(report['curves']) == list(report['images']) == labels
    assert report['curves'][labels[0]]['token_norm'] == [[1, 2.0], [2, 4.0], [3, 6.0]]
    for found in report['images'].values():  # also of the one with a final norm
        assert found['token_norm_peak'] > 3 and found['token_norm_outliers'] > 0
    text = files[0].read_text()
    assert all(f'| {label} | 0.33 |' in text for label in labels)
    assert (tmp_path / 'vit_norms.png').is_file() and (tmp_path / 'vit_curves.png').is_file()
    maps = last_maps(runs[0].checkpoint, torch.rand(1, 3, 96, 192))
    assert maps.shape == (1, 24, 12, 24)
