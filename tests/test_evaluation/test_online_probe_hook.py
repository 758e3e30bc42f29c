"""The probe reads out what features know, and training does not notice."""

import json
import logging
import os
import random
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import cv2
import numpy as np
import pytest
import torch
import torch.multiprocessing as mp
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn

from poodle_mm.engine.train import build_runner
from poodle_mm.evaluation.probe.hook import OnlineProbeHook
from poodle_mm.evaluation.probe.readouts import (
    find_labelled_frames,
    labels_at_cells,
    predict_knn,
    predict_linear,
    segmentation_scores,
)
from poodle_mm.registry import register_all_modules
from tests.test_engine.toy_pairs import toy_config

COLOURS = np.array([[255, 0, 0], [0, 255, 0], [0, 0, 255]], np.uint8)


def write_frames(root, num: int = 3, size=(64, 96), seed: int = 0) -> dict:
    """Images of red, green and blue blocks of 32 pixels; the label is the colour."""
    rng = np.random.default_rng(seed)
    folders = dict(images=root / 'images', labels=root / 'labels')
    for folder in folders.values():
        folder.mkdir(parents=True)
    for number in range(num):
        label = rng.permutation(np.arange(size[0] * size[1] // 1024) % 3).astype(np.uint8)
        label = label.reshape(size[0] // 32, -1).repeat(32, 0).repeat(32, 1)
        cv2.imwrite(str(root / 'images' / f'f{number}.png'), COLOURS[label][..., ::-1])
        label[0, :3] = 255
        cv2.imwrite(str(root / 'labels' / f'f{number}.png'), label)
    return {name: str(folder) for name, folder in folders.items()}


@pytest.fixture
def frames(tmp_path):
    return dict(train=write_frames(tmp_path / 'train'), val=write_frames(tmp_path / 'val', seed=1))


class Blocks(nn.Module):
    """Mean colour of blocks of 32 pixels; with a batch norm to watch."""

    def __init__(self) -> None:
        super().__init__()
        self.norm = nn.BatchNorm2d(3)

    def forward(self, images):
        return (nn.functional.avg_pool2d(self.norm(images), 32),)


def oracle_model() -> nn.Module:
    model = nn.Module()
    model.backbone, model.neck = Blocks(), None
    return model


@pytest.mark.parametrize('kind', ['knn', 'linear'])
def test_features_that_know_the_class_score_100(frames, kind):
    hook = OnlineProbeHook(3, **frames, kind=kind, classes=['r', 'g', 'b'], k=3)
    model = oracle_model().train()
    hook._prepare(model)
    scores = hook.probe(model)
    assert scores == dict.fromkeys(('mIoU', 'acc', 'IoU/r', 'IoU/g', 'IoU/b'), 100.0)
    assert model.training and model.backbone.norm.training
    assert model.backbone.norm.num_batches_tracked == 0

    nn.init.zeros_(model.backbone.norm.weight)  # all features equal: one class is guessed
    blind = hook.probe(model)
    assert blind['acc'] < 60
    assert blind['mIoU'] < 25


@settings(max_examples=25, deadline=None)
@given(
    st.integers(1, 40),
    st.integers(1, 12),
    st.integers(1, 6),
    st.integers(1, 50),
    st.integers(0, 99),
)
def test_knn_equals_a_loop(num, queries, classes, k, seed):
    rng = np.random.default_rng(seed)
    bank, query = rng.standard_normal((num, 5)), rng.standard_normal((queries, 5))
    labels = rng.integers(0, classes, num)
    expected = []
    for q in query:
        cosine = [q @ b / np.linalg.norm(q) / np.linalg.norm(b) for b in bank]
        votes = np.zeros(classes)
        for n in np.argsort(cosine)[::-1][:k]:
            votes[labels[n]] += np.exp(cosine[n] / 0.07)
        expected.append(votes.argmax())
    found = predict_knn(torch.tensor(query), torch.tensor(bank), torch.tensor(labels), classes, k=k)
    assert found.tolist() == expected


def test_linear_equals_lstsq():
    rng = np.random.default_rng(0)
    features, query = rng.standard_normal((200, 7)) + 3, rng.standard_normal((300, 7)) + 3
    labels = rng.integers(0, 4, 200)
    weights = np.linalg.lstsq(np.c_[features, np.ones(200)], np.eye(4)[labels], rcond=None)[0]
    expected = (np.c_[query, np.ones(300)] @ weights).argmax(1)
    arguments = torch.tensor(query), torch.tensor(features), torch.tensor(labels), 4
    assert predict_linear(*arguments, ridge=0).tolist() == expected.tolist()
    assert len(set(expected.tolist())) == 4
    # many features, few samples, and one that is constant: still solvable
    wide = torch.randn(5, 50) * torch.arange(50)
    assert predict_linear(wide, wide, torch.arange(5), 5).tolist() == [0, 1, 2, 3, 4]
    assert predict_linear(wide[:, :1], wide[:, :1], torch.tensor([1, 1, 0, 1, 0]), 2).sum() == 5


def test_scores_by_hand():
    labels, predicted = torch.tensor([0, 0, 0, 1, 1, 3]), torch.tensor([0, 0, 1, 1, 2, 3])
    scores = segmentation_scores(predicted, labels, 4, 'abcd')
    # IoU: a 2/3, b 1/3, c does not occur, d 1
    assert scores['mIoU'] == pytest.approx(100 * (2 / 3 + 1 / 3 + 1) / 3)
    assert scores['acc'] == pytest.approx(100 * 4 / 6)
    assert scores['IoU/b'] == pytest.approx(100 / 3)
    assert 'IoU/c' not in scores


def test_labels_at_cell_centres():
    label = np.arange(8 * 10, dtype=np.uint8).reshape(8, 10)
    # centres of 4 x 4 cells are edges 2 and 6 (10 from the left: outside of the image)
    assert labels_at_cells(label, (4, 4)).tolist() == [[22, 26, 255], [62, 66, 255]]
    # an 8 x 10 image resized to 8 x 20: cells of stride 4 are 2 wide and 4 high
    assert labels_at_cells(label, (2, 4)).tolist() == [[21, 23, 25, 27, 29], [61, 63, 65, 67, 69]]


def test_training_is_not_changed(make_runner, frames):
    states = []
    for name in ('without', 'with'):
        runner = make_runner(name)
        if name == 'with':
            hooks = [
                OnlineProbeHook(3, **frames, interval=3, by_epoch=False, size=(64, 64)),
                OnlineProbeHook(3, **frames, kind='linear', weights='ema', with_sdm=False),
            ]
            for hook in hooks:
                runner.register_hook(hook)
        runner.train()
        draws = torch.rand(()), np.random.rand(), random.random()  # noqa: NPY002 the global ones
        states.append((runner.model.state_dict(), draws))
    (weights, draws), (weights2, draws2) = states
    assert all(torch.equal(weights[name], weights2[name]) for name in weights)
    assert draws == draws2

    # 8 iterations of 2 epochs: after 3 and 6, and after each epoch
    values, _ = runner.message_hub.get_scalar('probe/mIoU').data
    assert len(values) == 4
    log = Path(runner.work_dir, runner.timestamp, 'vis_data', 'scalars.json').read_text()
    lines = [json.loads(line) for line in log.splitlines()]
    probes = [line for line in lines if 'probe/mIoU' in line]
    assert [line['step'] for line in probes] == [3, 4, 6, 8]
    assert [line['probe/mIoU'] for line in probes] == pytest.approx(values)


def test_probe_sees_weights_and_is_repeatable(make_runner, frames):
    model = make_runner().model
    model.init_weights()
    hooks = {
        weights: OnlineProbeHook(3, **frames, weights=weights) for weights in ('online', 'ema')
    }
    for hook in hooks.values():
        hook._prepare(model)
    before = hooks['online'].probe(model)
    assert hooks['online'].probe(model) == before == hooks['ema'].probe(model)
    for parameter in model.backbone.parameters():
        nn.init.zeros_(parameter)
    for parameter in model.neck.parameters():
        nn.init.zeros_(parameter)
    assert hooks['online'].probe(model)['mIoU'] < before['mIoU']
    assert hooks['ema'].probe(model) == before


def test_without_frames_it_warns(make_runner, frames, monkeypatch):
    runner = make_runner()
    messages = []
    monkeypatch.setattr(runner.logger, 'warning', messages.append)
    runner.register_hook(OnlineProbeHook(3, train=frames['train']))
    runner.train()
    assert 'OnlineProbeHook is off: it needs train and val' in messages
    assert 'probe/mIoU' not in runner.message_hub.log_scalars


@pytest.mark.parametrize(
    ('options', 'words'),
    [
        (dict(kind='svm'), r"kind must be 'knn' or 'linear', got 'svm'"),
        (dict(classes=['a']), '1 names of classes, num_classes=3'),
        (dict(interval=0), 'OnlineProbeHook.interval must be at least 1'),
        (dict(max_cells=0), 'OnlineProbeHook.max_cells must be at least 1'),
        (dict(weights='teacher'), "weights must be 'online' or 'ema'"),
    ],
)
def test_wrong_options(options, words):
    with pytest.raises(ValueError, match=words):
        OnlineProbeHook(3, **options)


def test_mistakes_in_the_data_show_at_the_start(make_runner, frames, tmp_path):
    def start(num_classes=3, **overrides):
        runner = make_runner()
        runner.register_hook(OnlineProbeHook(num_classes, **(frames | overrides)))
        runner.train()

    with pytest.raises(ValueError, match=r'f\d.png: .* \(ids \[2\]\); num_classes=2'):
        start(num_classes=2)
    missing = dict(images=str(tmp_path / 'nowhere'), labels=frames['val']['labels'])
    with pytest.raises(FileNotFoundError, match=r'val\.images: no folder .*nowhere'):
        start(val=missing)
    with pytest.raises(FileNotFoundError, match=r'none of the 3 images .* set img_suffix'):
        start(val=frames['val'] | dict(seg_map_suffix='_ids.png'))
    with pytest.raises(ValueError, match='the model has no neck'):
        runner = make_runner()
        runner.model.neck = None
        hook = OnlineProbeHook(3, **frames, with_sdm=True)
        hook.before_train(SimpleNamespace(model=runner.model, logger=logging.getLogger()))


def test_frames_are_paired_by_name_and_evenly_spaced(tmp_path):
    for name in ('a/x0_img.png', 'a/x1_img.png', 'b/x2_img.png', 'b/x3_img.png', 'b/x4_img.png'):
        path = tmp_path / 'images' / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()
    for name in ('a/x0_ids.png', 'a/x1_ids.png', 'b/x2_ids.png', 'b/x4_ids.png'):
        path = tmp_path / 'labels' / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()
    found = find_labelled_frames(
        'val', tmp_path / 'images', tmp_path / 'labels', '_img.png', '_ids.png', max_images=2
    )
    assert [(image.name, label.name) for image, label in found] == [
        ('x0_img.png', 'x0_ids.png'),
        ('x4_img.png', 'x4_ids.png'),
    ]


def train_rank(rank: int, folder: str, frames: dict) -> None:
    torch.set_num_threads(1)
    os.environ['LOCAL_RANK'] = str(rank)  # MMEngine asks for it when it wraps the model
    torch.distributed.init_process_group(
        'gloo', init_method=f'file://{folder}/rendezvous', rank=rank, world_size=2
    )
    register_all_modules()
    results = []
    for num_classes in (3, 2):
        cfg = toy_config(f'{folder}/run', experiment_name=f'{num_classes}', launcher='pytorch')
        cfg.env_cfg = dict(dist_cfg=dict(backend='gloo'))
        cfg.train_cfg = dict(type='IterBasedTrainLoop', max_iters=2)
        runner = build_runner(cfg)
        runner.register_hook(OnlineProbeHook(num_classes, **frames, interval=2, by_epoch=False))
        try:
            runner.train()
            results.append(float(runner.message_hub.get_scalar('probe/mIoU').current()))
        except ValueError as error:
            results.append(str(error))
    torch.save(results, f'{folder}/rank{rank}.pth')
    torch.distributed.destroy_process_group()


@pytest.mark.slow
def test_two_processes(tmp_path, frames):
    """Both ranks get rank 0's scores, or its error: nobody waits for ever."""
    mp.spawn(train_rank, args=(str(tmp_path), frames), nprocs=2)
    results = [torch.load(tmp_path / f'rank{rank}.pth') for rank in (0, 1)]
    assert results[0] == results[1]
    assert results[0][0] > 0
    assert 'num_classes=2' in results[0][1]


def test_start_up_stays_light():
    code = (
        'import sys, poodle_mm.evaluation.probe.hook, poodle_mm.engine; '
        "sys.exit(any(m in sys.modules for m in ('mmseg', 'mmdet', 'matplotlib')))"
    )
    assert subprocess.run([sys.executable, '-c', code], timeout=120).returncode == 0
