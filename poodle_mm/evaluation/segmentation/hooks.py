"""Hooks of the readouts: batch-norm statistics of their images, and as many classes as the data."""

from collections.abc import Iterable

import torch
from mmengine.dist import all_reduce_params
from mmengine.hooks import Hook
from mmengine.runner import Runner
from mmseg.registry import DATASETS, HOOKS
from torch import Tensor, nn
from torch.nn.modules.batchnorm import _BatchNorm

from poodle_mm.utils.modules import bare_model


@HOOKS.register_module()
class RecalibrateBatchNormHook(Hook):
    """Measure a frozen encoder's batch-norm statistics on clean training images (ours).

    Self-supervised training sees photometrically changed crops, and a random network has no
    statistics at all: both get those of the images of the readout, so that neither is handicapped.

    Args:
        batch_size: Images per batch; statistics of smaller batches vary more. Batches are shuffled:
            images of one must not all come from one scene.
    """

    priority = 'VERY_HIGH'  # before FrozenPartsHook keeps a copy, after StrictLoadHook compared

    def __init__(self, batch_size: int = 16) -> None:
        self.batch_size = batch_size

    def before_train(self, runner: Runner) -> None:
        model = bare_model(runner.model)
        loader = runner.build_dataloader(self._dataloader(runner), seed=runner.seed)
        recalibrate_batch_norm(
            model.features, (model.data_preprocessor(batch)['inputs'] for batch in loader)
        )
        model.forget()

    def _dataloader(self, runner: Runner) -> dict:
        """The training images, each once, through the pipeline of the test."""
        dataset = runner.cfg.train_dataloader.dataset
        dataset = dataset.get('datasets', [dataset])[0]
        pipeline = runner.cfg.test_dataloader.dataset.pipeline
        pipeline = [t for t in pipeline if 'LoadAnnotations' not in t['type']]
        num_images = len(DATASETS.build(dict(dataset, pipeline=[])))
        return dict(
            batch_size=min(self.batch_size, num_images),
            num_workers=0,
            drop_last=True,
            sampler=dict(type='DefaultSampler', shuffle=True),
            dataset=dict(dataset, pipeline=pipeline),
        )


def recalibrate_batch_norm(features: nn.Module, images: Iterable[Tensor]) -> None:
    """Replace batch-norm statistics by their average over batches of images.

    Args:
        features: Network; on return in eval mode, its parameters unchanged.
        images: Batches (N, 3, H, W), normalised, of equal size: each batch counts the same.
    """
    norms = [m for m in features.eval().modules() if isinstance(m, _BatchNorm)]
    momenta = [norm.momentum for norm in norms]
    for norm in norms:  # one by one: a frozen encoder's own train() leaves them out
        norm.reset_running_stats()
        norm.momentum = None  # the average of all batches
        norm.train()
    with torch.no_grad():
        for batch in images:
            features(batch)
    for norm, momentum in zip(norms, momenta):
        norm.momentum = momentum
    features.eval()
    all_reduce_params([b for b in features.buffers() if b.is_floating_point()], op='mean')


@HOOKS.register_module()
class NumClassesHook(Hook):
    """Refuse to train or test a head of another number of classes than the data set's.

    Raises:
        ValueError: Naming both numbers.
    """

    def before_train(self, runner: Runner) -> None:
        self._check(runner, runner.train_dataloader.dataset, 'train_dataloader')

    def before_test(self, runner: Runner) -> None:
        self._check(runner, runner.test_dataloader.dataset, 'test_dataloader')

    def _check(self, runner: Runner, dataset, name: str) -> None:
        model = bare_model(runner.model)
        classes = dataset.metainfo['classes']
        for head_name in ('decode_head', 'auxiliary_head'):
            head = getattr(model, head_name, None)
            if head is not None and head.num_classes != len(classes):
                raise ValueError(
                    f'model.{head_name}.num_classes is {head.num_classes}, but the data set of '
                    f'{name} ({type(dataset).__name__}) has {len(classes)} classes: '
                    f'{", ".join(classes[:4])} ...'
                )
