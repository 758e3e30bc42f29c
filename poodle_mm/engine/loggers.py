"""Where a run's curves and pictures go besides its own files: ``tools/train.py --logger``."""

import importlib.util
import os
from pathlib import Path
from typing import Any

import numpy as np
from mmengine.config import Config
from mmengine.visualization import ClearMLVisBackend, MLflowVisBackend

from poodle_mm.registry import VISBACKENDS

LOGGERS = ('tensorboard', 'wandb', 'mlflow', 'clearml')
"""Names of ``--logger``."""


@VISBACKENDS.register_module()
class MLflowBackend(MLflowVisBackend):
    """MMEngine's, with pictures: that names them without an ending, which MLflow refuses."""

    def add_image(self, name: str, image: np.ndarray, step: int = 0, **kwargs) -> None:
        self.experiment.log_image(image, key=name, step=step)


@VISBACKENDS.register_module()
class ClearMLBackend(ClearMLVisBackend):
    """MMEngine's, under the run's own seed: ClearML would seed every generator with 1337."""

    def _init_env(self) -> None:
        import clearml

        clearml.Task.set_random_seed(None)
        super()._init_env()


def set_logger(cfg: Config, name: str) -> None:
    """Let a config's visualizer write its own files and to one other place.

    The project is ``poodle_mm``, the run has the work dir's name. MLflow writes to the server of
    the variable ``MLFLOW_TRACKING_URI``, without it to ``mlflow.db`` and ``mlflow`` in the work
    dir.

    Args:
        cfg: Config with ``work_dir``; is changed.
        name: One of :data:`LOGGERS`, which are the names of the packages too.

    Raises:
        ImportError: If the package is not installed.
        ValueError: If the logger is unknown.
    """
    if name not in LOGGERS:
        raise ValueError(f'logger must be one of {", ".join(LOGGERS)}, got {name!r}')
    if importlib.util.find_spec(name) is None:
        raise ImportError(f'--logger {name} needs a package that is missing: pip install {name}')
    project, folder = 'poodle_mm', Path(cfg.work_dir).absolute()
    run = folder.name
    # MMEngine would override the variable, by a folder of files that MLflow has given up.
    server = os.environ.get('MLFLOW_TRACKING_URI')
    place: dict[str, Any] = dict(tracking_uri=server or f'sqlite:///{folder}/mlflow.db')
    if not server:
        # The run's files are there already: no copies (artifact_suffix).
        place |= dict(artifact_location=(folder / 'mlflow').as_uri(), artifact_suffix=())
    by_iteration = [dict(name='*', step_metric='iter')]  # W&B would count calls
    backend = dict(
        tensorboard=dict(type='TensorboardVisBackend'),
        wandb=dict(
            type='WandbVisBackend',
            init_kwargs=dict(project=project, name=run),
            define_metric_cfg=by_iteration,
        ),
        mlflow=dict(type='MLflowBackend', exp_name=project, run_name=run, **place),
        clearml=dict(
            type='ClearMLBackend',
            # Nothing is patched: each checkpoint would become a model, each figure a plot.
            init_kwargs=dict(project_name=project, task_name=run, auto_connect_frameworks=False),
            artifact_suffix=('.py',),  # not the checkpoints
        ),
    )[name]
    cfg.visualizer.vis_backends = [dict(type='LocalVisBackend'), backend]
