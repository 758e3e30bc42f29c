"""Any MMSegmentation model as a labeller of frames."""

import hashlib
import os
from pathlib import Path

import numpy as np
import torch
from mmengine.config import Config
from mmengine.model import revert_sync_batchnorm
from mmseg.apis import inference_model, init_model
from mmseg.utils import get_classes
from torch import nn

from poodle_mm.checkpoints.files import load_file, state_dict_of
from poodle_mm.checkpoints.state_dict import check_state


class SegmentorLabeller:
    """Class ids of frames by a model of MMSegmentation, on its config's test pipeline.

    Args:
        config: Config of the model.
        checkpoint: Weights, a file or URL; every key must be there.
        device: Device of the model; None takes a GPU if there is one.

    Attributes:
        classes: Names: the checkpoint's, ADE20K's if it has none and the model has 150 classes,
            else the numbers.
        facts: Names and digests of config and checkpoint.

    Raises:
        FileNotFoundError: If config or checkpoint do not exist.
        ValueError: If the checkpoint does not fit the config.
    """

    def __init__(
        self, config: str | os.PathLike, checkpoint: str, device: str | None = None
    ) -> None:
        cfg = Config.fromfile(config)
        if 'model' not in cfg or 'decode_head' not in cfg.model:
            raise ValueError(f'{config} is no config of a segmentation model: no model.decode_head')
        if 'test_pipeline' not in cfg:  # where inference_model looks for it
            dataset = cfg.test_dataloader.dataset
            cfg.test_pipeline = dataset.get('datasets', [dataset])[0]['pipeline']
        self.facts = dict(
            config=Path(config).name,
            config_sha256=hashlib.sha256(cfg.pretty_text.encode()).hexdigest(),
            checkpoint=str(checkpoint).rsplit('/', 1)[-1],
            checkpoint_sha256=hashlib.sha256(Path(checkpoint).read_bytes()).hexdigest()
            if os.path.isfile(checkpoint)
            else None,  # a URL
        )
        loaded = load_file(checkpoint)
        state = state_dict_of(loaded, checkpoint)
        model = revert_sync_batchnorm(init_model(cfg, device='cpu'))
        check_state(model, state, checkpoint, f'model of {config}')
        model.load_state_dict(state)
        self.classes = _class_names(model, loaded.get('meta') or {}, checkpoint)
        self.model = model.to(device or ('cuda' if torch.cuda.is_available() else 'cpu')).eval()

    def __call__(self, image: np.ndarray) -> np.ndarray:
        """Frame (H, W, 3) uint8 RGB to class ids (H, W) from 0."""
        result = inference_model(self.model, np.ascontiguousarray(image[..., ::-1]))
        return result.pred_sem_seg.data[0].cpu().numpy()


def _class_names(model: nn.Module, meta: dict, checkpoint: str) -> tuple[str, ...]:
    found = (meta.get('dataset_meta') or {}).get('classes') or meta.get('CLASSES')
    if found is None:
        is_ade20k = model.num_classes == 150
        found = get_classes('ade20k') if is_ade20k else map(str, range(model.num_classes))
    names = tuple(found)
    if len(names) != model.num_classes:
        raise ValueError(
            f'{checkpoint} names {len(names)} classes, the config has {model.num_classes}'
        )
    return names
