"""A batch and all that it takes to run it again, in a file of tensors and plain values."""

import random
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import torch
from mmengine.runner import Runner
from mmengine.structures import BaseDataElement
from torch import Tensor, nn

from poodle_mm.datasets import FrameClipSample, FramePairSample
from poodle_mm.engine.health.events import Event
from poodle_mm.engine.resumable import run_checkpoints
from poodle_mm.utils.files import replacing
from poodle_mm.utils.modules import bare_model

BATCHES = 'batches'
_FORMAT = 'poodle_mm batch 1'
_ELEMENT, _ARRAY = '__element__', '__array__'
_SAMPLES = {kind.__name__: kind for kind in (FramePairSample, FrameClipSample)}


class StateBefore:
    """What a step changes, as it was before: generators, averages, queues; weights if asked.

    Args:
        model: The model, without a wrapper.
        weights: Keep the trained weights, too, because the optimizer will have changed them when
            it turns out whether the batch is to be saved.
    """

    def __init__(self, model: nn.Module, weights: bool) -> None:
        trained = {name for name, p in model.named_parameters() if p.requires_grad}
        self.weights = weights
        self.random = random_state()
        self.tensors = {
            name: tensor.detach().clone()
            for name, tensor in model.state_dict().items()
            if weights or name not in trained
        }


def random_state() -> dict[str, Any]:
    """States of the generators of torch, NumPy and Python, in tensors and plain values."""
    name, keys, *rest = np.random.get_state()  # noqa: NPY002 - what a model may draw from
    version, numbers, gauss = random.getstate()
    gpu = torch.cuda.is_available() and torch.cuda.is_initialized()
    return dict(
        torch=torch.get_rng_state(),
        cuda=torch.cuda.get_rng_state() if gpu else None,
        numpy=[name, torch.from_numpy(keys.astype(np.int64)), *rest],
        python=[version, list(numbers), gauss],
    )


def set_random_state(state: Mapping[str, Any]) -> None:
    """Put back what :func:`random_state` gave; a GPU's only where there is one."""
    torch.set_rng_state(state['torch'])
    if state['cuda'] is not None and torch.cuda.is_available():
        torch.cuda.set_rng_state(state['cuda'])
    name, keys, *rest = state['numpy']
    keys = keys.numpy().astype(np.uint32)
    np.random.set_state((name, keys, *rest))  # noqa: NPY002
    version, numbers, gauss = state['python']
    random.setstate((version, tuple(numbers), gauss))


def save_batch(
    runner: Runner,
    data_batch: Mapping[str, Any],
    losses: Mapping[str, float],
    before: StateBefore,
    event: Event,
    exact: bool,
) -> str:
    """Write this process's batch, and on rank 0 the weights, into ``batches`` of the work dir.

    Args:
        runner: The runner, after the iteration.
        data_batch: Of the dataloader.
        losses: What the step returned.
        before: State before the iteration.
        event: What was found.
        exact: Whether the model's weights, with those in ``before``, are the ones that gave
            ``losses``.

    Returns:
        Path of rank 0's file, relative to the work dir.
    """
    work_dir, model = Path(runner.work_dir), bare_model(runner.model)
    stem = f'iter_{event.iter:06d}_{event.kind}'
    found = sorted(run_checkpoints(work_dir), key=lambda path: path.stat().st_mtime_ns)
    filename = runner.cfg.filename
    content = dict(
        format=_FORMAT,
        iter=event.iter,
        max_iters=runner.max_iters,
        kind=event.kind,
        name=event.name,
        message=event.message,
        seed=runner.seed,
        rank=runner.rank,
        processes=runner.world_size,
        config=Path(filename).name if filename else f'{runner.timestamp}.py',
        checkpoint=found[-1].name if found else None,
        weights=f'{stem}_weights.pth',
        exact=exact,
        total_steps=getattr(getattr(model, 'target', None), 'total_steps', None),
        random=before.random,
        losses={name: torch.as_tensor(value).item() for name, value in losses.items()},
        batch=to_plain(data_batch),
    )
    folder = work_dir / BATCHES
    if runner.rank == 0:
        state = {n: before.tensors.get(n, t).cpu() for n, t in model.state_dict().items()}
        _write(folder / content['weights'], dict(state_dict=state))
    _write(folder / (stem + (f'_rank{runner.rank}' if runner.rank else '') + '.pth'), content)
    return f'{BATCHES}/{stem}.pth'


def _write(path: Path, content: dict) -> None:
    with replacing(path, durable=True) as temporary:
        torch.save(content, temporary)


def load_batch(path: str | Path) -> dict[str, Any]:
    """Read a saved batch; nothing in it is executed.

    Returns:
        The file's entries; ``batch`` as the dataloader gave it.

    Raises:
        FileNotFoundError: If there is no such file.
        ValueError: If it is no saved batch, or damaged.
    """
    if not Path(path).is_file():
        raise FileNotFoundError(f'{path}: no such file; HealthHook(stop_on) saves batches')
    try:
        content = torch.load(path, weights_only=True, map_location='cpu')
    except Exception as error:  # torch raises many kinds
        raise ValueError(f'{path} is damaged or no saved batch ({type(error).__name__})') from error
    if not isinstance(content, dict) or content.get('format') != _FORMAT:
        raise ValueError(
            f'{path} is no batch that HealthHook has saved: it lies in WORK_DIR/batches'
        )
    content['batch'] = from_plain(content['batch'])
    return content


def to_plain(content: Any) -> Any:
    """Containers, tensors and numbers as they are, samples and arrays as dictionaries of these.

    What is none of them becomes its text.
    """
    if isinstance(content, BaseDataElement):
        return {
            _ELEMENT: type(content).__name__,
            'meta': {key: to_plain(value) for key, value in content.metainfo_items()},
            'data': {key: to_plain(value) for key, value in content.items()},
        }
    if isinstance(content, Tensor):
        return content.detach().cpu().clone()
    if isinstance(content, np.ndarray) and content.dtype.kind in 'biuf':
        return {_ARRAY: torch.from_numpy(np.array(content))}
    if isinstance(content, np.generic):
        return content.item()
    if isinstance(content, Mapping):
        return {str(key): to_plain(value) for key, value in content.items()}
    if isinstance(content, (list, tuple)):
        return (
            type(content)(map(to_plain, content))
            if type(content) in (list, tuple)
            else [*map(to_plain, content)]
        )
    if content is None or type(content) in (bool, int, float, str):
        return content
    return str(content)


def from_plain(content: Any) -> Any:
    """What :func:`to_plain` was given; samples of unknown classes as ``BaseDataElement``."""
    if isinstance(content, dict) and _ELEMENT in content:
        sample = _sample_class(content[_ELEMENT])()
        sample.set_metainfo({k: from_plain(v) for k, v in content['meta'].items()})
        for key, value in content['data'].items():
            setattr(sample, key, from_plain(value))
        return sample
    if isinstance(content, dict):
        if _ARRAY in content:
            return content[_ARRAY].numpy()
        return {key: from_plain(value) for key, value in content.items()}
    if isinstance(content, (list, tuple)):
        return type(content)(map(from_plain, content))
    return content


def _sample_class(name: str) -> type:
    if name == 'DataSample':
        from mmpretrain.structures import DataSample  # takes seconds to import

        return DataSample
    return _SAMPLES.get(name, BaseDataElement)
