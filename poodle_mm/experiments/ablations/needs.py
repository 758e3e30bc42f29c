"""What runs need on a machine, looked at before hours are spent: data, labels, GPUs."""

from collections.abc import Mapping, Sequence
from copy import deepcopy
from functools import cache
from pathlib import Path

import torch
from mmengine.config import Config

from poodle_mm.checkpoints import EncoderCheckpoint, encoder_of_config, random_encoder
from poodle_mm.checkpoints.released_weights import RELEASED
from poodle_mm.evaluation.readout import check_data, config_file, set_data_root
from poodle_mm.experiments.ablations.folders import is_done
from poodle_mm.experiments.ablations.runs import Run
from poodle_mm.experiments.ablations.settings import datasets_of

_SET_UP = 'bash tools/setup_env.sh det'
_VIT = dict(type='mmpretrain.VisionTransformer')


def check_machine(runs: Sequence[Run], root: Path) -> None:
    """Refuse to start without the data that all runs train on and are read out on, or GPUs.

    Args:
        runs: Runs; those that are done do not count.
        root: Folder in which the commands are run.

    Raises:
        FileNotFoundError: Naming the folders that do not exist.
        ValueError: If a run cannot have a readout, or wants more GPUs than there are. (Without GPUs
            it trains on the CPU.)
    """
    runs = [run for run in runs if not is_done(run)]
    if missing := missing_data([run for run in runs if run.trains], root):
        raise FileNotFoundError(f'training data are missing: {", ".join(missing)}')
    needs = dict.fromkeys(each for run in runs for each in readout_needs(run, root))
    if needs:
        raise FileNotFoundError(f'the readouts lack {"; ".join(needs)}')
    gpus = torch.cuda.device_count()
    wanted = max((run.processes for run in runs if run.trains), default=0)
    if 0 < gpus < wanted:
        raise ValueError(
            f'{wanted} processes of a run need as many GPUs, and there are {gpus}: pass '
            f'--processes {gpus} (the total batch stays)'
        )


def missing_data(runs: Sequence[Run], root: Path) -> list[str]:
    """Folders of training data that do not exist, with the config key of each.

    Args:
        runs: Runs that train.
        root: Folder in which the commands are run.
    """
    folders = {
        Path(root, str(dataset['data_root'])): key
        for run in runs
        for key, dataset in datasets_of(run.load()).items()
        if dataset.get('data_root')
    }
    return [f'{f} ({key}.data_root)' for f, key in folders.items() if not f.exists()]


def readout_needs(run: Run, root: Path) -> list[str]:
    """What a run's readouts lack: folders of images and labels, packages.

    Args:
        run: Run, or readouts of random or published weights.
        root: Folder with ``configs``, in which the commands are run.
    """
    return list(dict.fromkeys(m for readout in run.readouts for m in _missing(run, readout, root)))


def _missing(run: Run, readout: Mapping[str, Sequence], root: Path) -> list[str]:
    (suite,) = readout['suite']
    encoder, found = _encoder(run), []
    for name in readout['readouts']:
        try:
            file = config_file(root / 'configs/downstream', suite, name, encoder)
        except ValueError as error:
            raise ValueError(
                f'{run.variant.label}: {error}; choose the rows or the readouts'
            ) from error
        try:
            cfg = deepcopy(_read_config(file))
        except FileNotFoundError:
            raise
        except (ImportError, OSError):  # OSError: operators that do not load
            found.append(f'packages: MMDetection and MMCV with operators for {name}: {_SET_UP}')
            continue
        set_data_root(cfg, Path(root, *readout.get('data-root', [cfg.data_root])))
        if 'val' in readout.get('split', ()):
            cfg.test_dataloader = cfg.val_dataloader
        try:
            check_data(cfg, suite)
        except FileNotFoundError as error:
            found.append(f'labels: {str(error).split(" is missing")[0]}')
    return found


@cache
def _read_config(file: Path) -> Config:
    return Config.fromfile(file)


def _encoder(run: Run) -> EncoderCheckpoint:
    """The kind of encoder that will be read out."""
    if run.weights:
        vit = RELEASED[run.weights].arch.startswith('ViT')
        return EncoderCheckpoint(None, _VIT) if vit else random_encoder()
    return encoder_of_config(run.load()) if run.trains else random_encoder()
