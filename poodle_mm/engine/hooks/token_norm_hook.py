"""Logs norms of the last layer's tokens and the rank of features while a network learns."""

from mmengine.hooks import Hook
from mmengine.runner import Runner
from torch import Tensor, nn

from poodle_mm.engine.hooks.pair_visualization_hook import undisturbed
from poodle_mm.geometry.token_statistics import effective_rank, token_norms
from poodle_mm.registry import HOOKS
from poodle_mm.utils.modules import bare_model, last_map, map_before_norm


@HOOKS.register_module()
class TokenNormHook(Hook):
    """Look at frames of the batch as they are, at the first iteration and every ``interval``.

    Logs :func:`~poodle_mm.geometry.token_statistics.token_norms` of the last layer before a final
    norm, which would hide them, as ``token_norm``, ``token_norm_peak`` (1: all alike) and
    ``token_norm_outliers``, and effective ranks: ``rank_features`` of what the encoder gives, and
    ``rank_dense`` of the dense projections where there are any. Training is not changed: there is
    no gradient and the modes are put back.

    Args:
        interval: Iterations between looks.
        num: Pairs of which frame t is taken.
    """

    priority = 'ABOVE_NORMAL'  # before the line of the log is written

    def __init__(self, interval: int = 50, num: int = 8) -> None:
        self.interval = interval
        self.num = num

    def after_train_iter(
        self, runner: Runner, batch_idx: int, data_batch: dict, outputs: dict
    ) -> None:
        """Log the statistics, on rank 0."""
        due = runner.iter == 0 or self.every_n_train_iters(runner, self.interval)
        if runner.rank != 0 or not due:
            return
        model = bare_model(runner.model)
        for name, value in look_at_tokens(model, data_batch['inputs'][: self.num]).items():
            runner.message_hub.update_scalar(f'train/{name}', value)


def look_at_tokens(model: nn.Module, frames: Tensor) -> dict[str, float]:
    """The statistics of :class:`TokenNormHook`.

    Args:
        model: A ``PooDLe``.
        frames: (B, 2, 3, H, W) uint8 pairs.
    """
    views = model.data_preprocessor
    with undisturbed(model):
        images = (frames[:, 0].to(views.mean.device) / 255 - views.mean) / views.std
        statistics = token_norms(map_before_norm(model.backbone, images))
        statistics['rank_features'] = _rank(model.backbone(images)[-1])
        if model.dense_head is not None:
            projector = model.dense_head.projector
            statistics['rank_dense'] = _rank(
                projector(last_map(model.backbone, model.neck, images))
            )
    return {name: float(value) for name, value in statistics.items()}


def _rank(maps: Tensor) -> Tensor:
    return effective_rank(maps.flatten(2).transpose(1, 2).flatten(0, 1))
