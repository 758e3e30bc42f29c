"""tools/cache_flow.py: the flow of exactly the pairs that training draws."""

import json
import multiprocessing
import os
import runpy
import shutil
import signal
import sys
from pathlib import Path

import cv2
import numpy as np
import pytest
import torch
from mmengine.config import Config

from poodle_mm.datasets.flow_cache import FlowStorage, flow_cache_path, read_flow
from poodle_mm.datasets.flow_note import claim_cache
from poodle_mm.flow import CachedFlow, FlowEstimator
from poodle_mm.flow.uflow.packaged import PACKAGED
from poodle_mm.flow.write_cache import cache_training_flow
from poodle_mm.registry import DATASETS, MODELS

DIS = dict(type='DISFlow', preset='fast')


@MODELS.register_module()
class Still(FlowEstimator):
    """Colours as flow: no threads, which a forked process does not have."""

    def estimate(self, a, b, samples):
        return a[:, :2] - b[:, 1:], b[:, :2] - a[:, 1:]


@pytest.fixture
def frames(tmp_path) -> Path:
    """Two numbered sequences of 48 x 64 frames: smooth noise that moves by (2, 1) a frame."""
    noise = np.random.default_rng(0).random((14, 20, 3))
    canvas = cv2.resize(noise, (160, 112), interpolation=cv2.INTER_CUBIC).clip(0, 1) * 255
    root = tmp_path / 'data'
    root.mkdir()
    for name, count in (('one', 8), ('two', 6)):
        for i in range(count):
            frame = canvas[20 - i : 68 - i, 40 - 2 * i : 104 - 2 * i].astype(np.uint8)
            cv2.imwrite(str(root / f'{name}_{i:03d}.png'), frame)
    return root


def config(root: Path, **dataset) -> Config:
    return Config(
        dict(
            model=dict(data_preprocessor=dict(flow=DIS)),
            train_dataloader=dict(
                dataset=dict(
                    type='FramePairDataset',
                    data_root=str(root),
                    source='frames',
                    delta=(1, 3),
                    pipeline=[
                        dict(type='PairRandomCrop', area=(0.3, 0.8), size=(32, 64)),
                        dict(type='PackFramePair'),
                    ],
                )
                | dataset
            ),
        )
    )


@pytest.mark.parametrize('repeats', [1, 3])
def test_training_finds_its_pairs_in_the_cache(frames, tmp_path, repeats):
    cfg = config(frames, repeats=repeats, seed=5)
    cache = tmp_path / 'cache'
    done = cache_training_flow(cfg, cache, epochs=2)
    training = cfg.train_dataloader.dataset.to_dict()
    training['pipeline'].insert(0, dict(type='LoadCachedFlow', root=str(cache)))
    dataset = DATASETS.build(training)
    items = [dataset[epoch, index] for epoch in range(2) for index in range(len(dataset))]
    pairs = items if repeats == 1 else [pair for item in items for pair in item]
    assert done['written'] + done['present'] == len(pairs) == 2 * repeats * len(dataset)
    assert done['written'] == sum(1 for _ in cache.rglob('*.npz'))

    inputs = torch.stack([pair['inputs'] for pair in pairs]).float() / 255
    samples = [pair['data_samples'] for pair in pairs]
    flow_ab, flow_ba = CachedFlow()(inputs[:, 0], inputs[:, 1], samples)
    for i, sample in enumerate(samples):
        x0, y0, x1, y1 = sample.crop_box
        gap = sample.frame_ids[1] - sample.frame_ids[0]
        motion = torch.tensor([2.0 * gap * 64 / (x1 - x0), 1.0 * gap * 32 / (y1 - y0)])
        for flow, sign in ((flow_ab, 1), (flow_ba, -1)):
            torch.testing.assert_close(
                flow[i].flatten(1).median(1).values, sign * motion, rtol=0.05, atol=0.2
            )


def test_writes_what_the_estimator_says_on_full_frames(frames, tmp_path):
    cfg = config(frames)
    cache_training_flow(cfg, tmp_path, epochs=1, num_workers=1)
    dataset = DATASETS.build(cfg.train_dataloader.dataset)
    sample = dataset[0, 0]['data_samples']
    stored = read_flow(flow_cache_path(tmp_path, sample.source_id, sample.frame_ids))
    name = Path(sample.source).name.split('_')[0]
    images = [cv2.imread(str(frames / f'{name}_{i:03d}.png')) for i in sample.frame_ids]
    a, b = (torch.from_numpy(x[..., ::-1].copy()).permute(2, 0, 1)[None] / 255 for x in images)
    for direction, flow in enumerate(MODELS.build(DIS)(a, b)):
        assert stored[direction].shape == (2, 48, 64)
        np.testing.assert_allclose(stored[direction], flow[0], rtol=1e-3, atol=1e-3)


def test_goes_on_after_an_interruption(frames, tmp_path):
    cfg = config(frames)
    calls = []

    @MODELS.register_module(name='InterruptedFlow', force=True)
    class InterruptedFlow(FlowEstimator):
        def estimate(self, a, b, samples):
            calls.append(1)
            if len(calls) == 4:
                raise KeyboardInterrupt
            return a[:, :2] * 0, a[:, :2] * 0

    estimator = dict(type='InterruptedFlow')
    with pytest.raises(KeyboardInterrupt):
        cache_training_flow(cfg, tmp_path / 'cache', 1, estimator)
    whole = sorted({*(tmp_path / 'cache').rglob('*.*')} - {tmp_path / 'cache/estimator.json'})
    assert len(whole) == 3
    assert all(read_flow(path).shape == (2, 2, 48, 64) for path in whole)
    done = cache_training_flow(cfg, tmp_path / 'cache', 1, estimator)
    assert done['present'] == 3
    assert len(calls) == 4 + done['written']
    again = cache_training_flow(cfg, tmp_path / 'cache', 1, estimator)
    assert dict(again) == dict(present=done['written'] + 3)


def test_mixed_data_sets_and_pipelines_that_already_load_flow(frames, tmp_path):
    cache = tmp_path / 'cache'
    cfg = config(frames)
    inner = cfg.train_dataloader.dataset.to_dict()
    inner['pipeline'].insert(0, dict(type='LoadCachedFlow', root=str(cache)))
    mixed = dict(
        type='MixedPairDataset', datasets=[inner | dict(delta=1), inner | dict(delta=3)], length=8
    )
    cfg.train_dataloader.dataset = mixed
    done = cache_training_flow(cfg, cache, 1)
    assert done['written'] + done['present'] == 8
    names = [path.stem.split('_') for path in cache.rglob('*.npz')]
    assert {int(second) - int(first) for first, second in names} == {1, 3}
    dataset = DATASETS.build(mixed)
    assert all('flow' in dataset[0, index]['data_samples'] for index in range(8))


def test_a_cache_cannot_be_made_from_itself(frames, tmp_path):
    cfg = config(frames)
    cfg.model.data_preprocessor.flow = dict(type='CachedFlow')
    with pytest.raises(ValueError, match='--estimator'):
        cache_training_flow(cfg, tmp_path, 1)
    cfg.model.data_preprocessor.flow = dict(type='CachedFlow', fallback=DIS)
    assert cache_training_flow(cfg, tmp_path / 'cache', 1)['written'] > 0


def test_epochs_must_be_positive(frames, tmp_path):
    with pytest.raises(ValueError, match='epochs must be at least 1, got 0'):
        cache_training_flow(config(frames), tmp_path, 0)


def test_command_line(frames, tmp_path, repo, monkeypatch, capsys):
    path, out = tmp_path / 'config.py', tmp_path / 'cache'
    config(frames).dump(path)
    arguments = [path, out, '--epochs', 1, '--estimator', 'type=DISFlow', 'preset=medium']
    arguments += ['--format', 'png16', '--size', 32, 40]
    options = ['--cfg-options', 'train_dataloader.dataset.delta=2']
    script = repo / 'tools' / 'cache_flow.py'
    monkeypatch.setattr(sys, 'argv', [str(x) for x in (script, *arguments, *options)])
    runpy.run_path(str(script), run_name='__main__')
    names = [path.stem.split('_') for path in out.rglob('*[0-9].png')]
    assert f'{len(names)} pairs written, ' in capsys.readouterr().out
    assert names
    assert all(int(second) - int(first) == 2 for first, second in names)
    note = json.loads((out / 'estimator.json').read_text())
    assert note == dict(
        estimator=dict(type='DISFlow', preset='medium'),
        format='png16',
        size=[32, 40],
        data=[str(frames)],
    )


def test_cache_knows_its_estimator(frames, tmp_path):
    """Another estimator, or other weights in the file of the same name, is refused."""
    cfg, cache = config(frames), tmp_path / 'cache'
    cache_training_flow(cfg, cache, epochs=1)
    again = cache_training_flow(cfg, cache, 1, dict(DIS, type='poodle_mm.DISFlow'))
    assert again['written'] == 0
    with pytest.raises(ValueError, match=r"another estimator: .*'fast'.*estimator\.json.*'medium'"):
        cache_training_flow(cfg, cache, 1, dict(DIS, preset='medium'))

    weights = tmp_path / 'weights.pth'
    weights.write_bytes(b'a')
    claim_cache(tmp_path / 'other', dict(type='X', weights=str(weights), size=(8, 8)))
    moved = weights.rename(tmp_path / 'moved.pth')
    claim_cache(tmp_path / 'other', dict(type='X', weights=str(moved), size=[8, 8]))
    moved.write_bytes(b'b')
    with pytest.raises(ValueError, match='another estimator'):
        claim_cache(tmp_path / 'other', dict(type='X', weights=str(moved), size=(8, 8)))

    (cache / 'estimator.json').unlink()
    with pytest.raises(ValueError, match=r'no estimator\.json that says whose'):
        cache_training_flow(cfg, cache, epochs=1)


@pytest.mark.parametrize('nested', [False, True])
def test_packaged_weights_of_another_version_are_others(frames, tmp_path, monkeypatch, nested):
    flow = dict(type='UFlow', weights='small', size=None)
    if nested:
        flow = dict(DIS, initial=flow)
    cache_training_flow(config(frames), tmp_path / 'cache', 1, flow)
    with monkeypatch.context() as patch:
        loaded = torch.load(PACKAGED['small'], weights_only=True)
        torch.save(loaded | dict(meta='newer'), tmp_path / 'small.pth')
        patch.setitem(PACKAGED, 'small', tmp_path / 'small.pth')
        with pytest.raises(ValueError, match='another estimator'):
            cache_training_flow(config(frames), tmp_path / 'cache', 1, flow)
    assert cache_training_flow(config(frames), tmp_path / 'cache', 1, flow)['written'] == 0


def test_cache_knows_its_settings(frames, tmp_path):
    """Another format, size or data set in one folder is refused, and nothing is written."""
    cfg, cache = config(frames), tmp_path / 'cache'
    cache_training_flow(cfg, cache, 1, storage=FlowStorage('png16', (32, 40)))
    before = contents(cache)
    with pytest.raises(ValueError, match=r'another format: png16 .*and not float16'):
        cache_training_flow(cfg, cache, 1, storage=FlowStorage(size=(32, 40)))
    with pytest.raises(ValueError, match=r'another size: \[32, 40\] .*and not None'):
        cache_training_flow(cfg, cache, 1, storage=FlowStorage('png16'))
    with pytest.raises(
        ValueError, match=r'(?s)another data: .*data.*and not .*elsewhere.*only moved'
    ):
        moved = shutil.copytree(frames, tmp_path / 'elsewhere')
        cache_training_flow(config(moved), cache, 1, storage=FlowStorage('png16', (32, 40)))
    with pytest.raises(ValueError, match=r'works at size \(16, 24\).*keep \(32, 40\)'):
        estimator = dict(DIS, size=(16, 24))
        cache_training_flow(cfg, cache, 1, estimator, storage=FlowStorage('png16', (32, 40)))
    assert contents(cache) == before


def test_the_size_of_the_cache_is_that_of_the_estimator(frames, tmp_path):
    """UFlow's own size, when none is asked for, would shrink or enlarge the frames once more."""
    small, size = dict(type='UFlow', weights='small'), (32, 64)
    for name, estimator in (('own', small), ('given', dict(small, size=size))):
        cache_training_flow(
            config(frames), tmp_path / name, 1, estimator, storage=FlowStorage(size=size)
        )
    assert contents(tmp_path / 'own') == contents(tmp_path / 'given')
    with pytest.raises(ValueError, match=r'works at size \(128, 256\), the cache is to keep \(256'):
        cache_training_flow(
            config(frames), tmp_path / 'more', 1, small, storage=FlowStorage(size=(256, 512))
        )


def test_weights_at_home_are_identified_by_their_content(tmp_path, monkeypatch):
    monkeypatch.setenv('HOME', str(tmp_path))
    (tmp_path / 'a.pth').write_bytes(b'a')
    claim_cache(tmp_path / 'cache', dict(type='X', weights='~/a.pth'))
    (tmp_path / 'a.pth').write_bytes(b'b')
    with pytest.raises(ValueError, match='another estimator'):
        claim_cache(tmp_path / 'cache', dict(type='X', weights='~/a.pth'))


def test_note_of_an_earlier_version_is_float16_at_full_size(frames, tmp_path):
    cfg, cache = config(frames), tmp_path / 'cache'
    cache_training_flow(cfg, cache, 1)
    note = cache / 'estimator.json'
    # an estimator's own size is not the cache's
    note.write_text(json.dumps(dict(DIS, size=[24, 32])))
    estimator = dict(DIS, size=(24, 32))
    done = cache_training_flow(cfg, cache, 1, estimator)
    assert done['written'] == 0 < done['present']
    assert json.loads(note.read_text()) == dict(DIS, size=[24, 32])
    for storage in (FlowStorage('png16'), FlowStorage(size=(24, 32))):
        with pytest.raises(ValueError, match=r'another (format|size)'):
            cache_training_flow(cfg, cache, 1, estimator, storage=storage)
    loading = cfg.train_dataloader.dataset.to_dict()
    loading['pipeline'].insert(0, dict(type='LoadCachedFlow', root=str(cache)))
    assert 'flow' in DATASETS.build(loading)[0, 0]['data_samples']


@pytest.mark.parametrize('size', [None, (32, 48)])
@pytest.mark.parametrize('format', ['float16', 'png16'])
def test_reading_gives_what_the_estimator_gives_at_that_size(frames, tmp_path, format, size):
    cfg, cache = config(frames), tmp_path / 'cache'
    cfg.train_dataloader.dataset.pipeline = [dict(type='PackFramePair')]
    cache_training_flow(cfg, cache, 1, storage=FlowStorage(format, size))
    dataset = cfg.train_dataloader.dataset.to_dict()
    dataset['pipeline'].insert(0, dict(type='LoadCachedFlow', root=str(cache)))
    item = DATASETS.build(dataset)[0, 0]
    a, b = item['inputs'][:, None].float() / 255
    expected = torch.cat(MODELS.build(dict(DIS, size=size))(a, b))
    error = 1 / 128 if format == 'png16' else expected.abs().max().item() / 2**11
    scale = max(48 / size[0], 64 / size[1]) if size else 1
    torch.testing.assert_close(
        item['data_samples'].flow, expected, rtol=0, atol=scale * error + 1e-5
    )
    kept = next(cache.rglob('*_*[0-9].*'))
    assert read_flow(kept).shape[-2:] == (size or (48, 64))


@pytest.mark.parametrize('format', ['float16', 'png16'])
def test_goes_on_after_a_kill(frames, tmp_path, format):
    """Killed before the fifth file gets its name, the second one of a pair of PNGs: same bytes."""
    cfg, whole, killed = config(frames), tmp_path / 'whole', tmp_path / 'killed'
    storage = FlowStorage(format)
    cfg.train_dataloader.dataset.seed = 3
    estimator = dict(type='Still')
    cache_training_flow(cfg, whole, 1, estimator, storage=storage)

    def child() -> None:
        names = []

        def replace(source, target):
            names.append(target)
            if len(names) == 5:  # the note is the first
                os.kill(os.getpid(), signal.SIGKILL)
            rename(source, target)

        rename, os.replace = os.replace, replace
        cache_training_flow(cfg, killed, 1, estimator, storage=storage)

    process = multiprocessing.get_context('fork').Process(target=child)
    process.start()
    process.join(60)
    assert process.exitcode == -signal.SIGKILL
    assert len(contents(killed)) == 4
    done = cache_training_flow(cfg, killed, 1, estimator, storage=storage)
    assert done['present'] == (1 if format == 'png16' else 3)
    assert contents(killed) == contents(whole)


def contents(root: Path) -> dict[str, bytes]:
    """All files but the hidden ones, which a killed process may leave."""
    return {
        str(path.relative_to(root)): path.read_bytes()
        for path in root.rglob('*')
        if path.is_file() and not path.name.startswith('.')
    }
