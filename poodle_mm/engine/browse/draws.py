"""The batches of a training's first epoch, with what each pair was before its transforms."""

import shutil
from collections.abc import Iterator
from copy import deepcopy
from dataclasses import dataclass
from pathlib import Path

import torch
from mmengine.config import Config
from mmengine.registry import init_default_scope
from mmengine.runner import Runner
from torch import Tensor

from poodle_mm.datasets.video.index import default_cache_path
from poodle_mm.engine.browse.recorder import Record, Recorder
from poodle_mm.geometry.occlusion import visible_mask
from poodle_mm.registry import MODELS, register_all_modules

BATCH = 8  # items at once: batches change no draw
_INDEX = dict(videos='video_index', clips='clip_index')


@dataclass
class Drawn:
    """A pair, clip or image as the network gets it.

    Attributes:
        record: What was drawn.
        views: Of a pair, this pair's part of the preprocessor's views, without the dimension of
            the batch; of others a list of views (..., 3, h, w), normalised.
        crop_box: Edges of the global crop in the full frame; None where each view has its own.
    """

    record: Record
    views: dict[str, Tensor] | list[Tensor]
    crop_box: tuple[int, int, int, int] | None


class Draws:
    """What a training would draw, item after item, from epoch 0 on.

    The config's own data set, sampler, collation and preprocessor, in one process. Nothing is
    trained, and no network but that of the flow is built.

    Args:
        cfg: Config of a pretraining.
        folder: Folder for the index of the videos, where a training would write one beside them.
        flow: Config of another flow estimator; for trainings without flow this adds one to pairs.
        device: Where flow and views are made.

    Raises:
        ValueError: If the config has no pairs to train on.
    """

    def __init__(
        self, cfg: Config, folder: Path, flow: dict | None = None, device: str = 'cpu'
    ) -> None:
        register_all_modules()
        if 'train_dataloader' not in cfg or 'data_preprocessor' not in cfg.get('model', {}):
            raise ValueError(
                f'{cfg.filename}: browsing needs train_dataloader and model.data_preprocessor, '
                'which configs of a pretraining have'
            )
        cfg = deepcopy(cfg)
        init_default_scope(cfg.get('default_scope', 'poodle_mm'))
        loader = cfg.train_dataloader
        loader.update(num_workers=0, batch_size=min(loader.batch_size, BATCH), drop_last=False)
        for key in ('persistent_workers', 'prefetch_factor', 'pin_memory'):
            loader.pop(key, None)
        if 'max_iters' in (cfg.get('train_cfg') or {}) and loader.sampler.type == 'PairSampler':
            loader.sampler.setdefault('infinite', True)
        for number, part in enumerate(loader.dataset.get('datasets', [loader.dataset])):
            _keep_index(part, folder / f'index_{number}.npz')
        self.estimator = None
        preprocessor = cfg.model.data_preprocessor
        if flow and 'flow' in preprocessor:
            preprocessor.flow = flow
        elif flow:
            self.estimator = MODELS.build(flow).to(device)
        self.has_own_flow = 'flow' in preprocessor
        self.preprocessor = MODELS.build(preprocessor).to(device)
        self.loader = Runner.build_dataloader(loader, seed=cfg.get('randomness', {}).get('seed'))
        self.recorder = Recorder(self.loader.dataset)

    def __iter__(self) -> Iterator[Drawn]:
        for batch in self.loader:
            boxes = [sample.get('crop_box') for sample in batch['data_samples']]
            with torch.no_grad():
                inputs = self._views(batch)
            for index, (record, box) in enumerate(zip(self.recorder.take(), boxes, strict=True)):
                if isinstance(inputs, dict):
                    views = {name: _of_pair(name, x, index) for name, x in inputs.items()}
                    yield Drawn(record, views, box)
                else:
                    # of images their own pipelines note the crop of each view
                    yield Drawn(record, [view[index].cpu() for view in inputs], None)

    @property
    def unreadable(self) -> dict[str, str]:
        """Reason by file that was left out, by the index or because reading it failed."""
        return {
            file: reason
            for part in self.recorder.parts
            for file, reason in {**part.source.bad, **part.unreadable}.items()
        }

    @property
    def num_files(self) -> int:
        """Files of the data, with those that are left out."""
        return sum(part.source.num_files for part in self.recorder.parts)

    def _views(self, batch: dict) -> dict[str, Tensor] | list[Tensor]:
        """Views of a batch; flow where an estimator was given or samples bring it."""
        try:
            inputs = self.preprocessor(batch, True)['inputs']
        except FileNotFoundError as error:  # weights of the flow's network
            raise FileNotFoundError(
                f'{error}. To look at the pairs without these weights: --flow dis'
            ) from error
        if not isinstance(inputs, dict):
            return inputs if isinstance(inputs, list | tuple) else [inputs]
        if self.estimator is not None:
            flow = torch.stack(self.estimator(*inputs['frames'], batch['data_samples']))
            inputs = {k: v for k, v in inputs.items() if k != 'visible'} | dict(flow=flow)
        if 'flow' in inputs and 'visible' not in inputs:
            there, back = inputs['flow'].nan_to_num()
            visible = torch.stack([visible_mask(there, back), visible_mask(back, there)])
            inputs = inputs | dict(visible=visible)
        return inputs


def _of_pair(name: str, views: Tensor, index: int) -> Tensor:
    """One pair of a batch: the batch comes after the frames, or after role and direction."""
    place = 2 if name in ('subcrops', 'boxes', 'box_frames') else 1
    return views.select(place, index).cpu()


def _keep_index(dataset: Config, file: Path) -> None:
    """Read and write the index of the videos in another place than a training does."""
    source = dataset.get('source', 'videos')
    if source not in _INDEX or 'data_root' not in dataset:
        return
    prefix = dataset.get('data_prefix', {}).get('path', '')
    root = '/'.join(part.rstrip('/') for part in (dataset.data_root, prefix) if part)
    known = Path(dataset.get('index_cache') or default_cache_path(root, _INDEX[source]))
    if known.is_file():
        file.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(known, file)
    dataset.index_cache = str(file)
