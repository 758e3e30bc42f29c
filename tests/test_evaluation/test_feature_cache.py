"""Kept images and features: the same metrics as without keeping them."""

import pytest
import torch

from poodle_mm.evaluation.evaluate import evaluate, read_entries
from poodle_mm.evaluation.feature_cache import FeatureCache, hand_on_features, open_cache
from poodle_mm.evaluation.readout import run_readout
from tests.test_evaluation.tiny import CONFIGS, build_config, save_checkpoint

seg = pytest.importorskip('poodle_mm.evaluation.segmentation', reason='needs MMSegmentation')


@pytest.fixture
def encoder_calls(monkeypatch):
    """Number of images of each call of the frozen network, in order."""
    calls = []
    frozen_maps = seg.FrozenEncoderDecoder._frozen_maps

    def counted(self, images):
        calls.append(len(images))
        return frozen_maps(self, images)

    monkeypatch.setattr(seg.FrozenEncoderDecoder, '_frozen_maps', counted)
    return calls


@pytest.mark.parametrize(
    ('readout', 'kept'), [('linear-encoder', 5), ('linear', 12), ('upernet', 12)]
)
def test_same_head_with_and_without(labelled_set, tmp_path, encoder_calls, readout, kept):
    """Heads agree; twelve images (six and their mirror images) are computed at most once."""
    checkpoint = tmp_path / 'pretrained.pth'
    save_checkpoint(checkpoint)
    heads, images = [], []
    one_map = 64 * 8 * 16 * 4 / 2**30  # GiB of a stride-8 map of 64 channels
    for cache_gb in (0, 1.0 if kept == 12 else 5.5 * one_map):
        encoder_calls.clear()
        cfg = build_config(checkpoint, labelled_set, tmp_path / str(cache_gb), readout, iters=24)
        cfg.model.cache_gb = cache_gb
        cfg.optim_wrapper.optimizer.lr = 1e-3
        cfg.model.decode_head.dropout_ratio = 0
        if readout == 'upernet':
            cfg.model.auxiliary_head.dropout_ratio = 0
        else:
            del cfg.model.decode_head['dropout_ratio']
        metrics, runner = run_readout(cfg)
        heads.append((runner.model.decode_head.conv_seg.weight.detach().clone(), metrics['miou']))
        images.append(sum(encoder_calls) - 2)  # two test images
        assert len(runner.model._cache or ()) == (kept if cache_gb else 0)
    torch.testing.assert_close(heads[0][0], heads[1][0], rtol=1e-2, atol=1e-3)
    assert heads[0][1] == pytest.approx(heads[1][1], abs=0.5)
    assert images[0] == 48
    # four epochs of twelve; what does not fit is computed each time
    assert images[1] == 12 + 3 * (12 - kept)


def test_kept_features_are_those_of_the_image(labelled_set, tmp_path):
    """Each kept map is recomputed; a mirror image is another one than its original."""
    checkpoint = tmp_path / 'pretrained.pth'
    save_checkpoint(checkpoint)
    _, runner = run_readout(
        build_config(checkpoint, labelled_set, tmp_path / 'run', 'upernet', iters=12)
    )
    model, items = runner.model, runner.train_dataloader.dataset
    for index in range(12):
        item = items.datasets[index // 6][index % 6]  # made anew
        sample = item['data_samples']
        assert sample.get('flip', False) == (index >= 6)
        image = model.data_preprocessor(dict(inputs=[item['inputs']]))['inputs']
        kept = model._cache.get((sample.img_path, index >= 6))
        assert len(kept) == 4
        for level, expected in zip(kept, model.extract_feat(image)):
            torch.testing.assert_close(level, expected[0], rtol=1e-4, atol=1e-5)
        assert torch.equal(items[index]['inputs'], item['inputs'])
        labels = items[index]['data_samples'].gt_sem_seg.data
        assert torch.equal(labels, sample.gt_sem_seg.data)
    assert torch.equal(items[6]['inputs'], items[0]['inputs'].flip(-1))
    first, mirrored = (items[i]['data_samples'].gt_sem_seg.data for i in (0, 6))
    assert torch.equal(mirrored, first.flip(-1))


def test_new_weights_drop_kept_features(labelled_set, tmp_path):
    """The hook measures statistics anew: features from before are wrong."""
    checkpoint = tmp_path / 'pretrained.pth'
    save_checkpoint(checkpoint)
    _, runner = run_readout(build_config(checkpoint, labelled_set, tmp_path))
    assert runner.model._cache
    hook = next(h for h in runner.hooks if type(h).__name__ == 'RecalibrateBatchNormHook')
    hook.before_train(runner)
    assert not runner.model._cache


def test_linear_head_has_the_loss_of_fcn_head():
    """Same loss and gradient as MMSegmentation's head, ignored pixels included."""
    from mmengine.structures import PixelData
    from mmseg.models.decode_heads import FCNHead
    from mmseg.structures import SegDataSample

    torch.manual_seed(0)
    loss = dict(type='CrossEntropyLoss', avg_non_ignore=True)
    linear = seg.LinearHead(6, num_classes=4, loss_decode=loss)
    plain = dict(num_convs=0, kernel_size=1, concat_input=False, dropout_ratio=0)
    fcn = FCNHead(in_channels=6, channels=6, num_classes=4, loss_decode=loss, **plain)
    fcn.load_state_dict(linear.state_dict())
    labels = torch.randint(0, 4, (2, 1, 16, 24))
    labels[:, :, :5] = 255
    samples = [SegDataSample(gt_sem_seg=PixelData(data=x)) for x in labels]
    features = torch.randn(2, 6, 4, 6)
    losses = [head.loss([features], samples, None)['loss_ce'] for head in (linear, fcn)]
    for value in losses:
        value.backward()
    assert torch.equal(losses[0], losses[1])
    assert torch.equal(linear.conv_seg.weight.grad, fcn.conv_seg.weight.grad)


def test_thinned_labels_are_every_nth_pixel():
    """The loss of ``label_stride=4`` is that of labels thinned out by hand."""
    from mmengine.structures import PixelData
    from mmseg.structures import SegDataSample

    torch.manual_seed(0)
    loss = dict(type='CrossEntropyLoss', avg_non_ignore=True)
    thin = seg.LinearHead(6, label_stride=4, num_classes=4, loss_decode=loss)
    full = seg.LinearHead(6, num_classes=4, loss_decode=loss)
    full.load_state_dict(thin.state_dict())
    labels = torch.randint(0, 4, (2, 1, 16, 24))
    features = [torch.randn(2, 6, 2, 3)]

    def value(head, labels):
        samples = [SegDataSample(gt_sem_seg=PixelData(data=x)) for x in labels]
        return head.loss(features, samples, None)['loss_ce']

    assert torch.equal(value(thin, labels), value(full, labels[:, :, 2::4, 2::4]))


def test_nothing_is_kept_where_memory_is_short(labelled_set, tmp_path, encoder_calls, monkeypatch):
    """With less than 2 GiB left each image is computed each time."""
    monkeypatch.setattr('poodle_mm.evaluation.feature_cache.available_gib', lambda: 1.9)
    checkpoint = tmp_path / 'pretrained.pth'
    save_checkpoint(checkpoint)
    cfg = build_config(checkpoint, labelled_set, tmp_path / 'run', 'linear', iters=24)
    cfg.model.cache_gb = 1.0
    _, runner = run_readout(cfg)
    assert not runner.model._cache
    assert sum(encoder_calls) == 48 + 2  # and two test images


def test_next_readout_has_the_features(labelled_set, tmp_path, encoder_calls):
    """The second readout of a network computes its first batch alone, for the same head."""
    checkpoint = tmp_path / 'pretrained.pth'
    save_checkpoint(checkpoint)

    def model_of(name, readout='linear', **kwargs):
        encoder_calls.clear()
        cfg = build_config(checkpoint, labelled_set, tmp_path / name, readout, iters=12, **kwargs)
        cfg.model.cache_gb = 1.0
        _, runner = run_readout(cfg)
        return sum(encoder_calls) - 2, runner.model  # two test images

    computed, alone = model_of('alone', 'linear-weighted')
    assert computed == 12
    with hand_on_features():
        computed, first = model_of('first')
        assert computed == 12
        computed, second = model_of('second', 'linear-weighted')
        assert computed == 2 and second._cache is first._cache
        weights = [model.decode_head.conv_seg.weight for model in (alone, second)]
        assert torch.equal(*weights)
        computed, other = model_of('other', 'linear-encoder')  # other maps
        assert computed == 12 and other._cache is not first._cache
        computed, _ = model_of('larger', 'linear-encoder', size=(96, 192))
        assert computed == 12
    computed, _ = model_of('after', 'linear-encoder', size=(96, 192))
    assert computed == 12


def test_one_call_computes_features_once(labelled_set, tmp_path, encoder_calls):
    """Of ``evaluate``: a network's second readout; another network's features are its own."""
    paths = [tmp_path / f'{name}.pth' for name in 'ab']
    for path, std in zip(paths, (0.1, 0.2)):
        save_checkpoint(path, std=std)
    settings = dict(data_root=labelled_set, size=(64, 128), iters=2)
    readouts = ['linear', 'linear-weighted']
    entries = read_entries(list(map(str, paths)))
    evaluate(entries, 'scenes', CONFIGS, tmp_path / 'out', readouts, **settings)
    both = sum(encoder_calls)
    encoder_calls.clear()
    evaluate(entries, 'scenes', CONFIGS, tmp_path / 'alone', readouts[:1], **settings)
    # the second readouts compute their first batch, of eight, and two test images
    assert both == sum(encoder_calls) + 2 * (8 + 2)


def test_one_different_number_opens_a_new_cache():
    """Of an image that is known; a batch of unknown images tells nothing."""
    images, maps = [('a', False), ('b', True)], (torch.rand(2, 3, 4, 5), torch.rand(2, 6, 2, 2))
    changed = maps[0], maps[1].clone()
    changed[1][1, 5, 1, 1] += 1e-6
    with hand_on_features():
        cache = open_cache(images, maps, 1.0)
        for image, own in zip(images, zip(*maps)):
            cache.keep(image, own)
        assert open_cache([('a', False), ('c', False)], maps, 1.0) is cache
        assert cache.agrees(images, maps)
        assert not cache.agrees(images, changed)
        assert not cache.agrees(images, maps[:1])
        assert not cache.agrees(images, (maps[0][:, :2], maps[1]))
        assert not cache.agrees([('a', True), ('b', False)], maps)
        assert open_cache(images, changed, 1.0) is not cache
    assert open_cache(images, maps, 1.0) is not open_cache(images, maps, 1.0)


@pytest.mark.parametrize('layout', [torch.contiguous_format, torch.channels_last])
def test_batch_of_maps(layout):
    """The maps that were taken apart, in the memory format that they had."""
    batch = torch.rand(3, 4, 5, 6).contiguous(memory_format=layout)
    again = seg.models.batch_of([x.clone() for x in batch])
    assert torch.equal(again, batch) and again.is_contiguous(memory_format=layout)


def test_limit_of_a_cache():
    """Copies of what fits, whole images only, and each once."""
    cache = FeatureCache(2.5 * 4 * 10 / 2**30)
    batch = torch.rand(3, 10)
    for name, x in zip('abca', [*batch, batch[0] + 1]):
        cache.keep((name, False), (x,))
    assert len(cache) == 2 and cache.get(('c', False)) is None
    (kept,) = cache.get(('a', False))
    assert torch.equal(kept, batch[0]) and kept.untyped_storage().nbytes() == 40
