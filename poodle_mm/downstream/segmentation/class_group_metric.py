"""Mean IoU of groups of classes, beside MMSegmentation's own figures."""

from collections.abc import Mapping, Sequence

from mmseg.evaluation import IoUMetric
from mmseg.registry import METRICS

from poodle_mm.evaluation import group_means


@METRICS.register_module()
class ClassGroupIoUMetric(IoUMetric):
    """``IoUMetric`` that also reports the IoU of each class and the mean of groups (Table 7).

    Adds ``IoU/<class>`` and ``mIoU/<group>`` in percent, unrounded; NaN where a class has
    neither ground truth nor prediction, which a group's mean leaves out.

    Args:
        groups: Class ids of each group, e.g. from :func:`poodle_mm.evaluation.class_groups`.
        **kwargs: As in ``IoUMetric``.
    """

    def __init__(self, groups: Mapping[str, Sequence[int]] | None = None, **kwargs) -> None:
        super().__init__(**kwargs)
        self.groups = dict(groups or {})

    def compute_metrics(self, results: list) -> dict[str, float]:
        """Metrics of all images; ``results`` holds the areas that ``process`` counted."""
        metrics = super().compute_metrics(results)
        areas = [sum(counts) for counts in zip(*results)]
        iou = 100 * self.total_area_to_metrics(*areas)['IoU']
        metrics |= {f'IoU/{name}': float(v) for name, v in zip(self.dataset_meta['classes'], iou)}
        metrics |= {f'mIoU/{name}': v for name, v in group_means(iou, self.groups).items()}
        return metrics
