"""A small file of a trained flow network, such as the one that comes with the package."""

import io
from collections.abc import Collection, Mapping
from os import PathLike
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from poodle_mm.checkpoints import load_file
from poodle_mm.checkpoints.config_text import read_config_text
from poodle_mm.checkpoints.files import check_conversion
from poodle_mm.checkpoints.state_dict import some
from poodle_mm.flow.uflow.estimator import network_of
from poodle_mm.flow.weights import state_dict_in
from poodle_mm.utils.files import replacing
from poodle_mm.version import __version__

_DTYPE = torch.float16
_NETWORK = 'network.'


def publish_flow(checkpoint: str | PathLike, out: str | PathLike) -> Path:
    """Write the network of a training checkpoint in float16, and how it was trained.

    The same checkpoint gives the same file. It holds ``state_dict`` and ``meta['poodle_mm']``
    with ``version``, ``network`` (its name) and ``trainings``: config, iterations, batch, seed and
    pairs of each training, the last one at the end. An earlier one is known while the checkpoint
    that it started from is still there.

    Args:
        checkpoint: Checkpoint of :class:`~poodle_mm.flow.uflow.training.UFlowTraining`.
        out: File to write, ``.pth``.

    Returns:
        That file; whole, or as it was before.

    Raises:
        FileNotFoundError: If there is no such checkpoint.
        ValueError: If it is no training checkpoint of a named network, if a weight is not finite
            or too large for float16, or if ``out`` is the checkpoint.
    """
    loaded = load_file(checkpoint)
    trainings = _trainings(loaded, checkpoint)
    state = state_dict_in(loaded, 'UFlow', checkpoint)
    state = {k: v for k, v in state.items() if k.startswith(_NETWORK)} or state
    name, _, state = network_of(state, str(checkpoint))
    check_conversion(checkpoint, out, state)
    content = dict(
        meta=dict(poodle_mm=dict(version=__version__, network=name, trainings=trainings)),
        state_dict={key: _half(key, value, checkpoint) for key, value in state.items()},
    )
    buffer = io.BytesIO()
    torch.save(content, buffer)
    with replacing(out, durable=True) as temporary:
        temporary.write_bytes(buffer.getvalue())
    return Path(out)


def _half(key: str, value: Tensor, checkpoint: str | PathLike) -> Tensor:
    half = value.detach().to(_DTYPE, memory_format=torch.contiguous_format, copy=True)
    if not half.isfinite().all():
        largest = torch.finfo(_DTYPE).max
        raise ValueError(
            f'{checkpoint}: {key} reaches {value.abs().max():g}, and float16 ends at {largest:g}'
        )
    return half


def _trainings(
    loaded: Mapping[str, Any], path: str | PathLike, later: Collection[Path] = ()
) -> list[dict]:
    """What is known of a checkpoint's training and of those before it; no paths.

    Files in ``later`` came after it: one that is named again has been written anew since.
    """
    meta = loaded.get('meta')
    missing = [key for key in ('cfg', 'iter', 'experiment_name') if key not in (meta or {})]
    if missing:
        raise ValueError(
            f'{path} does not say how it was trained (meta has no {some(missing)}): name a '
            'checkpoint of tools/train.py'
        )
    keys = ('load_from', 'resume', 'train_dataloader', 'randomness')
    cfg = read_config_text(meta['cfg'], *keys)
    own = dict(
        config=str(meta['experiment_name']).rsplit('_', 2)[0],  # without date and time
        iterations=int(meta['iter']),
        batch_size=cfg['train_dataloader'].get('batch_size'),
        seed=cfg.get('randomness', {}).get('seed'),
    )
    before = cfg.get('load_from')
    if not before:
        return [own]
    file, later = Path(before), {*later, Path(path).resolve()}
    earlier: list[dict] = [dict(file=file.name)]
    if file.is_file() and file.resolve() not in later:
        start = load_file(file)
        published = (start.get('meta') or {}).get('poodle_mm', {}).get('trainings')
        earlier = published or _trainings(start, file, later)
    return [*(earlier[:-1] if cfg.get('resume') else earlier), own]
