"""Figure 13: a detector that is built again from its checkpoint, and its boxes."""

import csv

import pytest
import torch

pytest.importorskip('mmcv.ops', reason='needs `bash tools/build_mmcv_ops.sh`', exc_type=ImportError)

from mmengine.dataset import pseudo_collate
from mmengine.runner import Runner

from poodle_mm.evaluation.detection import set_encoder
from poodle_mm.evaluation.detection.predictions import Boxes, BoxPredictor
from poodle_mm.evaluation.trained_readout import read_readout
from poodle_mm.experiments.figures.boxes import f1
from tests.test_datasets.test_preparation.tools import run_main


def test_boxes_are_those_of_the_detector(
    short_config, encoder, scenes_root, tmp_path, monkeypatch, capsys, repo
):
    """An untrained one."""
    cfg = short_config('faster-rcnn_r50-fpn_scenes.py')
    set_encoder(cfg, encoder)
    runner = Runner.from_cfg(cfg)
    runner.model.init_weights()
    detector = tmp_path / 'det-fpn_s0'
    detector.mkdir()
    saved = dict(meta=dict(cfg=cfg.pretty_text), state_dict=runner.model.state_dict())
    torch.save(saved, detector / 'iter_2.pth')
    predictor = BoxPredictor(read_readout('x', detector / 'iter_2.pth'), scenes_root, score=0.0)
    data = runner.test_dataloader.dataset
    assert len(predictor.files) == len(data) == 2
    truth, found = predictor(1)
    with torch.no_grad():
        (expected,) = runner.model.eval().test_step(pseudo_collate([data[1]]))
    assert len(found.boxes) > 0
    torch.testing.assert_close(found.boxes, expected.pred_instances.bboxes)
    assert torch.equal(found.labels, expected.pred_instances.labels)
    torch.testing.assert_close(truth.boxes, expected.gt_instances.bboxes)
    assert torch.equal(truth.labels, expected.gt_instances.labels)

    tool = repo / 'tools' / 'analysis' / 'boxes.py'
    arguments = [f'A={detector}', '--data-root', scenes_root, '--score', '0', '--images', '1']
    arguments += ['--most-different', '--out', tmp_path / 'boxes']
    code, out, _ = run_main(tool, *arguments, monkeypatch=monkeypatch, capsys=capsys)
    assert code == 0 and 'A finds' in out
    with open(tmp_path / 'boxes.csv', newline='') as file:
        rows = [*csv.DictReader(file)]
    assert len(rows) == 2 and int(rows[1]['boxes']) == len(truth.labels)
    assert int(rows[1]['found']) + int(rows[1]['false']) == len(found.labels)


def test_f1_by_hand():
    """Two of three predictions find two of four boxes."""

    def boxes(right):
        return Boxes(torch.zeros(len(right), 4), torch.zeros(len(right)), torch.tensor(right))

    truth = boxes([True] * 4)
    assert f1(truth, boxes([True, False, True])) == pytest.approx(100 * 2 * 2 / (3 + 4))
    assert f1(truth, truth) == 100
