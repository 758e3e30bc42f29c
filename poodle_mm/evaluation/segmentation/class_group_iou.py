"""IoU of classes and groups of classes, beside MMSegmentation's own metrics."""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path

import torch
from mmseg.evaluation import IoUMetric
from mmseg.registry import METRICS

from poodle_mm.evaluation.class_groups import group_means
from poodle_mm.evaluation.published_tables import BDD100K_GROUPS
from poodle_mm.evaluation.segmentation.pixel_precision import average_precision, score_histogram


@METRICS.register_module()
class ClassGroupIoU(IoUMetric):
    """``IoUMetric`` that also reports each class and the means of groups (PooDLe, Tables 3 and 7).

    Adds ``IoU/<class>``, ``Acc/<class>`` and ``mIoU/<group>`` in percent, unrounded, with
    ``mIoU/all`` over all classes. NaN where a class has neither ground truth nor prediction; a
    group's mean leaves such classes out. ``aAcc`` of ``IoUMetric`` is the pixel accuracy.

    Args:
        groups: Classes of each group, as names or ids; or ``'bdd100k'`` for the paper's groups
            (Table 7), or a JSON file that ``tools/analysis/class_groups.py`` wrote.
        pixel_precision: Whether to report ``AP/<class>`` and ``mAP/<group>``, average precision of
            pixels, too; a second a megapixel and 100 classes.
        **kwargs: Arguments of ``IoUMetric``.

    Raises:
        ValueError: If a group names a class that the data set does not have.
        FileNotFoundError: If there is no such file.
    """

    def __init__(
        self,
        groups: Mapping[str, Sequence[int | str]] | str | None = None,
        pixel_precision: bool = False,
        **kwargs,
    ) -> None:
        super().__init__(**kwargs)
        self.groups = read_groups(groups)
        self.pixel_precision = pixel_precision

    def process(self, data_batch: dict, data_samples: Sequence[dict]) -> None:
        """Count areas in each image and, if wanted, where each class's scores lie."""
        before = len(self.results)
        super().process(data_batch, data_samples)
        if self.pixel_precision:
            for number, sample in enumerate(data_samples, before):
                label = sample['gt_sem_seg']['data'][0]
                logits = sample['seg_logits']['data']
                counts = score_histogram(logits, label.to(logits.device), self.ignore_index)
                self.results[number] = (*self.results[number], counts)

    def compute_metrics(self, results: list) -> dict[str, float]:
        """Metrics of what ``process`` counted in each image."""
        histograms = [counts for *_, counts in results] if self.pixel_precision else []
        results = [areas[:4] for areas in results]
        metrics = super().compute_metrics(results)
        classes = self.dataset_meta['classes']
        groups = {name: class_ids(members, classes) for name, members in self.groups.items()}
        scores = self.total_area_to_metrics(*(sum(counts) for counts in zip(*results)))
        for kind in ('IoU', 'Acc'):
            metrics |= {f'{kind}/{n}': 100 * float(v) for n, v in zip(classes, scores[kind])}
        groups = dict(all=range(len(classes))) | groups
        means = group_means(100 * scores['IoU'], groups)
        metrics |= {f'mIoU/{name}': value for name, value in means.items()}
        if histograms:
            precision = 100 * average_precision(torch.stack(histograms).sum(0)).numpy()
            metrics |= {f'AP/{name}': float(value) for name, value in zip(classes, precision)}
            means = group_means(precision, groups)
            metrics |= {f'mAP/{name}': value for name, value in means.items()}
        return metrics


def read_groups(groups: Mapping | str | None) -> dict[str, list[int | str]]:
    """Groups as given, of the paper, or of a file; see :class:`ClassGroupIoU`."""
    if groups is None:
        return {}
    if groups == 'bdd100k':
        groups = BDD100K_GROUPS
    if not isinstance(groups, str):
        return {name: list(members) for name, members in groups.items()}
    if not Path(groups).is_file():
        raise FileNotFoundError(
            f'class groups {groups}: no such file; write one with tools/analysis/class_groups.py'
        )
    return json.loads(Path(groups).read_text(encoding='utf-8'))['groups']


def class_ids(members: Sequence[int | str], classes: Sequence[str]) -> list[int]:
    """Ids of the classes of a group; a ValueError names members that are no classes."""
    ids = {name: i for i, name in enumerate(classes)} | {i: i for i in range(len(classes))}
    unknown = [m for m in members if m not in ids]
    if unknown:
        raise ValueError(
            f'class groups name {unknown}, but the data set has the classes {list(classes)}'
        )
    return [ids[m] for m in members]
