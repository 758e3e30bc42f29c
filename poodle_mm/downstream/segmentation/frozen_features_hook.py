"""What happens to frozen features before the head is trained: weights in, statistics measured."""

from collections.abc import Iterable
from pathlib import Path

from mmengine.dist import all_reduce_params
from mmengine.hooks import Hook
from mmengine.model import is_model_wrapper
from mmengine.runner import CheckpointLoader, Runner
from mmseg.registry import HOOKS
from torch import Tensor, nn
from torch.optim.swa_utils import update_bn


@HOOKS.register_module()
class FrozenFeaturesHook(Hook):
    """Load the frozen parts of a segmentor strictly and recalibrate their batch norms.

    A target of self-supervised training sees photometrically changed crops, and a random network
    has no statistics at all: both get the statistics of clean training images, so that neither is
    handicapped.

    Args:
        checkpoint: File with ``backbone.*`` and, if the segmentor has a neck, ``neck.*``; None
            keeps the random initialisation.
        dataloader: Config of a loader over clean training images. Shuffled: images of one batch
            must not all come from one scene.
    """

    priority = 'VERY_HIGH'

    def __init__(self, dataloader: dict, checkpoint: str | Path | None = None) -> None:
        self.dataloader = dataloader
        self.checkpoint = checkpoint

    def before_train(self, runner: Runner) -> None:
        """Runs once the model is initialised and before the first iteration."""
        model = runner.model.module if is_model_wrapper(runner.model) else runner.model
        if self.checkpoint is not None:
            load_frozen_parts(model, self.checkpoint)
        loader = runner.build_dataloader(self.dataloader, seed=runner.seed)
        recalibrate_batch_norm(
            model.features, (model.data_preprocessor(batch)['inputs'] for batch in loader)
        )
        model.forget()


def load_frozen_parts(model: nn.Module, checkpoint: str | Path) -> None:
    """Load ``backbone.*`` and ``neck.*`` of a pretraining checkpoint into a segmentor.

    Args:
        model: Segmentor with a ``backbone`` and perhaps a ``neck``.
        checkpoint: File; its other entries (heads, target network) are left alone. A checkpoint's
            neck is dropped when the segmentor has none.

    Raises:
        ValueError: If a tensor is missing, left over or of another shape; all of them are named.
    """
    loaded = CheckpointLoader.load_checkpoint(str(checkpoint), map_location='cpu')
    state = loaded.get('state_dict', loaded)
    for name in ('backbone', 'neck'):
        part = getattr(model, name, None)
        if part is None:
            continue
        prefix = f'{name}.'
        found = {k.removeprefix(prefix): v for k, v in state.items() if k.startswith(prefix)}
        try:
            part.load_state_dict(found)
        except RuntimeError as error:
            raise ValueError(
                f'{checkpoint} does not fit the {name} of the readout; was it pretrained with '
                f'another config (depth, width, decoder)?\n{error}'
            ) from error


def recalibrate_batch_norm(features: nn.Module, images: Iterable[Tensor]) -> None:
    """Replace batch-norm statistics by their average over batches of images.

    Args:
        features: Network; on return in eval mode, its parameters unchanged.
        images: Batches (N, 3, H, W), normalised, of equal size: each batch counts the same.
    """
    update_bn(images, features.eval())
    all_reduce_params([b for b in features.buffers() if b.is_floating_point()], op='mean')
