"""MMEngine's loading of checkpoints, by our reader: files cannot execute anything.

MMEngine unpickles what torch's ``weights_only`` reader refuses, in resuming, in ``load_from`` and
in ``init_cfg=dict(type='Pretrained')``. Importing this module puts
:func:`~poodle_mm.checkpoints.safe_load` in that place, for the whole process.
"""

import os
import re
from pathlib import Path
from typing import Any
from urllib.parse import urlparse

import torch
from mmengine.dist import barrier, get_dist_info
from mmengine.runner import CheckpointLoader
from mmengine.runner.checkpoint import get_torchvision_models

from poodle_mm.checkpoints.safe_load import safe_load


@CheckpointLoader.register_scheme(prefixes='', force=True)
def load_from_local(filename: str, map_location: Any = None) -> Any:
    """MMEngine's loader for a path.

    Raises:
        FileNotFoundError: If there is no such file.
    """
    filename = os.path.expanduser(filename)
    if not os.path.isfile(filename):
        raise FileNotFoundError(f'{filename} can not be found.')
    # Copied, not mapped: what is trained on must not hang on the file.
    checkpoint = safe_load(filename, map_location, mapped=False)
    if isinstance(checkpoint, dict) and isinstance(checkpoint.get('meta'), dict):
        checkpoint['meta'].pop('config', None)  # old files': MMEngine would execute its text
    return checkpoint


@CheckpointLoader.register_scheme(prefixes=('http://', 'https://'), force=True)
def load_from_http(filename: str, map_location: Any = None) -> Any:
    """MMEngine's loader for a URL: downloaded once, into torch's folder for checkpoints.

    Raises:
        FileNotFoundError: If it cannot be downloaded, saying where to put it.
    """
    path = Path(torch.hub.get_dir()) / 'checkpoints' / Path(urlparse(filename).path).name
    rank, world_size = get_dist_info()
    if rank == 0 and not path.is_file():
        path.parent.mkdir(parents=True, exist_ok=True)
        digest = re.search(r'-([0-9a-f]{8,})\.', path.name)
        try:
            torch.hub.download_url_to_file(filename, str(path), digest and digest[1])
        except (OSError, RuntimeError) as error:  # no network; another hash
            raise FileNotFoundError(
                f'cannot get {filename} ({error}). Download it elsewhere and put it at {path}, or '
                'give the path of the file instead of its name'
            ) from error
    if world_size > 1:
        barrier()
    return load_from_local(str(path), map_location)


@CheckpointLoader.register_scheme(prefixes=('modelzoo://', 'torchvision://'), force=True)
def load_from_torchvision(filename: str, map_location: Any = None) -> Any:
    """MMEngine's loader for ``torchvision://resnet50.imagenet1k_v2`` and the like.

    Raises:
        ValueError: If torchvision has no such weights.
    """
    name, urls = filename.split('://', 1)[1], get_torchvision_models()
    if name not in urls:
        raise ValueError(f'{filename}: torchvision has no weights of this name')
    return load_from_http(urls[name], map_location)
