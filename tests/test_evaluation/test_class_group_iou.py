"""The metric against a confusion matrix counted by hand."""

import json

import numpy as np
import pytest
import torch

seg = pytest.importorskip('poodle_mm.evaluation.segmentation', reason='needs MMSegmentation')
module = pytest.importorskip('poodle_mm.evaluation.segmentation.class_group_iou')

from poodle_mm.evaluation.readout import summarise  # noqa: E402

CLASSES = ('road', 'sky', 'pole', 'train')


def score(prediction, truth, groups):
    """Metrics of one image."""
    metric = seg.ClassGroupIoU(groups=groups)
    metric.dataset_meta = dict(classes=CLASSES)
    sample = dict(
        pred_sem_seg=dict(data=torch.as_tensor(prediction)[None]),
        gt_sem_seg=dict(data=torch.as_tensor(truth)[None]),
    )
    metric.process({}, [sample])
    return metric.compute_metrics(metric.results)


def test_against_a_naive_count():
    """Random maps with ignored pixels: intersection over union class by class."""
    rng = np.random.default_rng(0)
    prediction = rng.integers(0, 3, (20, 30))  # 'train' is neither predicted nor there
    truth = rng.integers(0, 3, (20, 30))
    truth[:3] = 255
    groups = dict(small=['pole', 'train'], large=['road', 'sky'], ids=[0, 2])
    found = score(prediction, truth, groups)
    valid = truth != 255
    iou, acc = {}, {}
    for index, name in enumerate(CLASSES[:3]):
        a, b = (prediction == index) & valid, truth == index
        iou[name] = 100 * (a & b).sum() / (a | b).sum()
        acc[name] = 100 * (a & b).sum() / b.sum()
        assert found[f'IoU/{name}'] == pytest.approx(iou[name], abs=1e-4)
        assert found[f'Acc/{name}'] == pytest.approx(acc[name], abs=1e-4)
    assert np.isnan(found['IoU/train'])
    assert found['mIoU/all'] == pytest.approx(np.mean(list(iou.values())), abs=1e-4)
    assert found['mIoU/small'] == pytest.approx(iou['pole'], abs=1e-4)
    assert found['mIoU/large'] == pytest.approx((iou['road'] + iou['sky']) / 2, abs=1e-4)
    assert found['mIoU/ids'] == pytest.approx((iou['road'] + iou['pole']) / 2, abs=1e-4)
    assert found['aAcc'] == pytest.approx(100 * (prediction == truth)[valid].mean(), abs=0.01)


def test_pixel_precision_is_reported_by_class_and_group():
    """Over two images: poles rank first, though the sky wins everywhere."""
    metric = seg.ClassGroupIoU(groups=dict(small=['pole']), pixel_precision=True)
    metric.dataset_meta = dict(classes=CLASSES)
    truth = torch.tensor([[1, 1, 2, 1]])
    logits = torch.full((4, 1, 4), -9.0)
    logits[1], logits[2] = 5, torch.tensor([0.0, 1.0, 4.0, 2.0])
    sample = dict(
        pred_sem_seg=dict(data=logits.argmax(0, keepdim=True)),
        gt_sem_seg=dict(data=truth[None]),
        seg_logits=dict(data=logits),
    )
    metric.process({}, [sample])
    metric.process({}, [sample])
    found = metric.compute_metrics(metric.results)
    assert found['IoU/pole'] == 0 and found['AP/pole'] == 100 == found['mAP/small']
    assert np.isnan(found['AP/road']) and found['IoU/sky'] == pytest.approx(75)
    assert summarise(found)['pixel_precision'] == dict(all=100.0, small=100.0)


def test_groups_of_the_paper_and_of_a_file(tmp_path):
    """'bdd100k' is Table 7; a file is what the analysis tool writes."""
    paper = module.read_groups('bdd100k')
    assert paper['small'] == [
        'pole', 'bicycle', 'person', 'motorcycle', 'traffic sign', 'rider', 'traffic light',
    ]  # fmt: skip
    assert paper['rare'] == ['bus', 'wall', 'train', 'bicycle', 'motorcycle', 'rider']
    assert sorted(paper['small'] + paper['large']) == sorted(paper['rare'] + paper['common'])
    file = tmp_path / 'groups.json'
    file.write_text(json.dumps(dict(groups=dict(small=['pole']))))
    assert module.read_groups(str(file)) == dict(small=['pole'])
    with pytest.raises(FileNotFoundError, match=r'class_groups\.py'):
        module.read_groups(str(tmp_path / 'other.json'))


def test_paper_groups_fit_mmsegs_classes():
    """The names are those of MMSegmentation's BDD100K data set."""
    from mmseg.datasets import BDD100KDataset

    classes = BDD100KDataset.METAINFO['classes']
    members = module.read_groups('bdd100k')
    ids = module.class_ids(members['small'] + members['large'], classes)
    assert sorted(ids) == list(range(19))


def test_unknown_class_is_named():
    """A group of another data set."""
    with pytest.raises(ValueError, match=r"\['lamp'\].*'road'"):
        score(np.zeros((2, 2), int), np.zeros((2, 2), int), dict(small=['lamp']))
