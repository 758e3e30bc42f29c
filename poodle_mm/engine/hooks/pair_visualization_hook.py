"""Saves pictures of what the network sees while it trains."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import torch
from mmengine.hooks import Hook
from mmengine.runner import Runner
from torch import Tensor, nn

from poodle_mm.registry import HOOKS
from poodle_mm.utils.files import replacing
from poodle_mm.utils.modules import bare_model, evaluating

if TYPE_CHECKING:
    from matplotlib.figure import Figure


@HOOKS.register_module()
class PairVisualizationHook(Hook):
    """Draw the first pairs of a batch: at the first iteration, then every ``interval``.

    Writes ``<work_dir>/pictures/iter_<n>_<i>.png`` and adds the picture to the runner's visualizer
    (TensorBoard, where configured). The views are made again from the batch, which gives those the
    network saw because they depend on the samples' seeds alone. Training is not changed: the
    forward pass runs without gradient in eval mode, and torch's generators are put back.

    A model that has a method ``draw_pairs(batch, iteration)``, which yields a figure for each pair,
    is drawn by this; others as PooDLe is.

    Args:
        interval: Iterations between pictures.
        num: Pairs drawn each time.
    """

    priority = 'LOW'

    def __init__(self, interval: int = 1000, num: int = 2) -> None:
        self.interval = interval
        self.num = num

    def after_train_iter(
        self, runner: Runner, batch_idx: int, data_batch: dict, outputs: dict
    ) -> None:
        """Draw and save, on rank 0."""
        due = runner.iter == 0 or self.every_n_train_iters(runner, self.interval)
        if runner.rank != 0 or not due:
            return
        model = bare_model(runner.model)
        batch = {name: data_batch[name][: self.num] for name in ('inputs', 'data_samples')}
        with undisturbed(model):
            draw = getattr(model, 'draw_pairs', None) or partial(draw_views, model)
            for index, figure in enumerate(draw(batch, runner.iter + 1)):
                self._save(runner, figure, index)

    @staticmethod
    def _save(runner: Runner, figure: Figure, index: int) -> None:
        from matplotlib.image import imsave

        from poodle_mm.visualization.images import rendered

        image = rendered(figure)
        path = Path(runner.work_dir) / 'pictures' / f'iter_{runner.iter + 1:06d}_{index}.png'
        with replacing(path) as temporary:
            imsave(temporary, image)
        runner.visualizer.add_image(f'pair_{index}', image, runner.iter + 1)


@contextmanager
def undisturbed(model: nn.Module) -> Iterator[None]:
    """Eval mode without gradient; afterwards modes and torch's generators are as before."""
    device = next(model.parameters()).device
    cuda = [device] if device.type == 'cuda' else []
    with torch.no_grad(), evaluating(model), torch.random.fork_rng(devices=cuda):
        yield


def draw_views(model: nn.Module, batch: dict, iteration: int) -> Iterator[Figure]:
    """Draw each pair of a batch as a ``PooDLe`` sees it; the arguments are those of ``look``."""
    from poodle_mm.visualization.pair import draw_pair  # matplotlib takes a second to import

    views, features = look(model, batch)
    for index in range(len(batch['inputs'])):
        yield draw_pair(views, index, features, described(model, iteration))


def described(model: nn.Module, iteration: int) -> str:
    """Which network's features :func:`look` gives, for a legend.

    Args:
        model: A ``PooDLe``.
        iteration: Number of iterations that it has been trained.
    """
    method = 'FlowE' if model.neck is model.pooled_head is None else type(model).__name__
    maps = "encoder's last map" + ('' if model.neck is None else ', decoder = SDM')
    return f'{method}, online network after iteration {iteration}: {maps}'


def look(model: nn.Module, batch: dict) -> tuple[dict[str, Tensor], dict[str, Tensor]]:
    """Views of a batch and the features of its dense views, without side effects on training.

    Args:
        model: A ``PooDLe``.
        batch: ``dict(inputs=uint8 (B, 2, 3, H, W), data_samples=[...])`` from the dataloader.

    Returns:
        The views, and ``encoder`` and, if the model has a neck, ``decoder`` maps
        (2, B, C, h, w), float.
    """
    with undisturbed(model):
        views = model.data_preprocessor(batch, True)['inputs']
        feats = tuple(model.backbone(views['dense'].flatten(0, 1)))
        maps = dict(encoder=feats[-1])
        if model.neck is not None:
            maps['decoder'] = model.neck(feats)[-1]
    return views, {name: feature.unflatten(0, (2, -1)) for name, feature in maps.items()}
