"""A cheap readout of the encoder while it is pretrained."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import torch
from mmengine.hooks import Hook
from mmengine.runner import Runner
from torch import Tensor, nn

from poodle_mm.apis.encoder import DenseEncoder
from poodle_mm.apis.features import cell_size, dense_features, load_image
from poodle_mm.catalog import IGNORE_INDEX
from poodle_mm.datasets.labels import LabelError, read_label
from poodle_mm.evaluation.probe.readouts import (
    find_labelled_frames,
    labels_at_cells,
    predict_knn,
    predict_linear,
    segmentation_scores,
)
from poodle_mm.registry import HOOKS
from poodle_mm.utils.distributed import on_main_process
from poodle_mm.utils.modules import bare_model, evaluating


@dataclass(frozen=True)
class ProbeOptions:
    """Options of a probe.

    Attributes:
        kind: ``'knn'`` or ``'linear'``.
        k: Neighbours of ``'knn'``.
        size: (H, W) to which images are resized; None keeps their size.
        max_images: Frames of each set, evenly spaced.
        max_cells: Cells of each set, drawn once with a generator of their own.
        batch_size: Images per forward pass.

    Raises:
        ValueError: If an option is wrong.
    """

    kind: str = 'knn'
    k: int = 20
    size: tuple[int, int] | None = None
    max_images: int = 100
    max_cells: int = 10_000
    batch_size: int = 8

    def __post_init__(self) -> None:
        if self.kind not in ('knn', 'linear'):
            raise ValueError(f"OnlineProbeHook.kind must be 'knn' or 'linear', got {self.kind!r}")
        for name in ('k', 'max_images', 'max_cells', 'batch_size'):
            if getattr(self, name) < 1:
                raise ValueError(f'OnlineProbeHook.{name} must be at least 1')


@HOOKS.register_module()
class OnlineProbeHook(Hook):
    """Segment labelled frames by features as they are, every ``interval`` epochs or iterations.

    The labels of the ``train`` cells, by k-NN or linear regression, predict those of the ``val``
    cells; a cell has the label of the pixel at its centre. A quick curve to compare runs by, not
    the linear readout of the tables. ``probe/mIoU`` (mean over the classes that occur) and
    ``probe/acc``, in percent, go to the log, the message hub, the JSON log and TensorBoard.

    Training is not changed, not even its random numbers. Rank 0 computes, the other ranks wait and
    get its result. Without ``train`` or ``val`` the hook warns and does nothing.

    Args:
        num_classes: Classes; ids run from 0.
        train, val: ``dict(images=<folder>, labels=<folder>)``, perhaps with ``img_suffix`` and
            ``seg_map_suffix`` as in ``find_labelled_frames``. Labels are uint8 PNGs of class ids.
        interval: Epochs (``by_epoch``) or iterations.
        by_epoch: Unit of ``interval``.
        classes: Names; with them ``probe/IoU/<class>`` is reported too.
        weights: ``'online'``, or ``'ema'`` for the target network.
        with_sdm: Whether features come after the decoder; None: if there is one.
        ignore_index: A further id without a class, besides 255 (CamVid: 11).
        **options: ``kind``, ``k``, ``size``, ``max_images``, ``max_cells`` and ``batch_size`` of
            :class:`ProbeOptions`.

    Raises:
        ValueError: If an option is wrong; when training starts, if a label does not fit.
        FileNotFoundError: When training starts, if there are no labelled frames in the folders.
    """

    priority = 55  # after the target's update, before the logger

    def __init__(
        self,
        num_classes: int,
        train: dict | None = None,
        val: dict | None = None,
        interval: int = 1,
        by_epoch: bool = True,
        classes: Sequence[str] | None = None,
        weights: str = 'online',
        with_sdm: bool | None = None,
        ignore_index: int = IGNORE_INDEX,
        **options,
    ) -> None:
        if weights not in ('online', 'ema'):
            raise ValueError(f"OnlineProbeHook.weights must be 'online' or 'ema', got {weights!r}")
        if classes and len(classes) != num_classes:
            raise ValueError(
                f'OnlineProbeHook: {len(classes)} names of classes, num_classes={num_classes}'
            )
        if interval < 1:
            raise ValueError('OnlineProbeHook.interval must be at least 1')
        self.num_classes = num_classes
        self.sources = dict(train=train, val=val)
        self.enabled = bool(train and val)
        self.interval = interval
        self.by_epoch = by_epoch
        self.classes = list(classes or ())
        self.weights = weights
        self.with_sdm = with_sdm
        self.ignore_index = ignore_index
        self.options = ProbeOptions(**options)

    def before_train(self, runner: Runner) -> None:
        if not self.enabled:
            runner.logger.warning('OnlineProbeHook is off: it needs train and val')
            return
        model = bare_model(runner.model)
        if self.with_sdm and model.neck is None:
            raise ValueError('OnlineProbeHook.with_sdm=True, but the model has no neck')
        on_main_process(lambda: self._prepare(model))  # reads all labels: mistakes show now

    def after_train_epoch(self, runner: Runner) -> None:
        if self.enabled and self.by_epoch and self.every_n_epochs(runner, self.interval):
            self._report(runner, runner.iter)

    def after_train_iter(
        self,
        runner: Runner,
        batch_idx: int,
        data_batch: dict | None = None,
        outputs: dict | None = None,
    ) -> None:
        if self.enabled and not self.by_epoch and self.every_n_train_iters(runner, self.interval):
            self._report(runner, runner.iter + 1)

    def probe(self, model: nn.Module) -> dict[str, float]:
        """Scores of a ``PooDLe`` as it is, in percent; needs ``before_train``."""
        with evaluating(model), torch.no_grad():
            encoder = self._encoder(model)
            (train, train_labels), (val, val_labels) = (
                self._features(encoder, *self.cells[part]) for part in ('train', 'val')
            )
            data = val, train, train_labels, self.num_classes
            if self.options.kind == 'knn':
                found = predict_knn(*data, self.options.k)
            else:
                found = predict_linear(*data)
        return segmentation_scores(found.cpu(), val_labels.cpu(), self.num_classes, self.classes)

    def _report(self, runner: Runner, iterations: int) -> None:
        scores = on_main_process(lambda: self.probe(bare_model(runner.model)))
        scores = {f'probe/{name}': value for name, value in scores.items()}
        for name, value in scores.items():
            runner.message_hub.update_scalar(name, value)
        runner.visualizer.add_scalars(scores, step=iterations, file_path=f'{runner.timestamp}.json')
        text = '  '.join(f'{name}: {value:.2f}' for name, value in scores.items())
        runner.logger.info(f'Iter {iterations}  {text}')

    def _encoder(self, model: nn.Module) -> DenseEncoder:
        with_neck = self.with_sdm is not False and model.neck is not None
        parts = dict(backbone=model.backbone, neck=model.neck)
        parts = model.target.module if self.weights == 'ema' else parts
        return DenseEncoder(parts['backbone'], parts['neck'] if with_neck else None)

    def _prepare(self, model: nn.Module) -> None:
        encoder = self._encoder(model)
        self.cells = {part: self._choose_cells(encoder, part) for part in self.sources}

    def _choose_cells(
        self, encoder: DenseEncoder, part: str
    ) -> tuple[list[Path], list[Tensor], Tensor]:
        """Images, masks of the chosen cells of each, and the labels of all of these."""
        most = self.options.max_images
        frames = find_labelled_frames(part, max_images=most, **self.sources[part])
        legal = {*range(self.num_classes), self.ignore_index, IGNORE_INDEX}
        labels = []
        for image, path in frames:
            image_size = tuple(load_image(image).shape[1:])
            try:
                label = read_label(path, legal, image_size, self.ignore_index, any_palette=True)
            except LabelError as error:
                raise ValueError(
                    f'OnlineProbeHook {part}: {error}; num_classes={self.num_classes} and '
                    f'ignore_index={self.ignore_index} must fit the labels'
                ) from error
            cell = cell_size(encoder, image_size, self.options.size)
            labels.append(torch.from_numpy(labels_at_cells(label, cell)).flatten().long())
        everything = torch.cat(labels)
        labelled = torch.nonzero(everything != IGNORE_INDEX)[:, 0]
        if not len(labelled):
            raise ValueError(
                f'OnlineProbeHook {part}: all pixels of {frames[0][1]} and its neighbours are to '
                'be ignored'
            )
        order = torch.randperm(len(labelled), generator=torch.Generator().manual_seed(0))
        chosen = torch.zeros(len(everything), dtype=torch.bool)
        chosen[labelled[order[: self.options.max_cells]]] = True
        masks = chosen.split([len(label) for label in labels])
        return [image for image, _ in frames], list(masks), everything[chosen]

    def _features(
        self, encoder: DenseEncoder, images: list[Path], masks: list[Tensor], labels: Tensor
    ) -> tuple[Tensor, Tensor]:
        """(N, C) features of the chosen cells and (N,) labels, on the encoder's device."""
        maps = dense_features(encoder, images, self.options.size, self.options.batch_size)
        features = [f.flatten(1).T[chosen] for f, chosen in zip(maps, masks, strict=True)]
        return torch.cat(features).to(encoder.device), labels.to(encoder.device)
