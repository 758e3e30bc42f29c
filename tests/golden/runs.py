"""The small configs whose first losses are recorded, and how they are run."""

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import av
import cv2
import torch
from mmengine.config import Config
from mmengine.hooks import Hook

from poodle_mm.engine.cpu_ranks import cpu_ranks
from poodle_mm.engine.schedule import set_max_iters
from poodle_mm.engine.train import build_runner
from poodle_mm.experiments.ablations.settings import DATA
from poodle_scenes import write_scenes

ITERATIONS = 10
# Every key that the two recipes changed, set back: what came before is still one of the settings.
BEFORE_THE_RECIPES = {
    'train_dataloader.dataset.pipeline.0.scale': None,
    'train_dataloader.dataset.pipeline.0.area': (0.3, 1.0),
    'model.backbone.zero_init_residual': True,
    'model.neck.init_cfg': [
        dict(type='Kaiming', layer='Conv2d'),
        dict(type='Constant', val=1, layer=['_BatchNorm', 'GroupNorm']),
    ],
    'model.dense_head.out_bias': False,
    'model.pooled_head.out_bias': False,
    'model.data_preprocessor.subcrops': dict(
        num=4, size=48, extra_cells=False, shared=True, draws=10, fallback='clamp'
    ),
    'optim_wrapper.constructor': 'DefaultOptimWrapperConstructor',
    'optim_wrapper.optimizer.eps': 1e-8,
}
SCENES, FRAMES = 'scenes', 'frames'
CONFIGS = Path(__file__).resolve().parents[2] / 'configs'


def ablation(folder: str, method: str, data: str, processes: int = 1) -> tuple:
    """A run of the ablations."""
    config, options = DATA[folder].config(CONFIGS, method)
    return config, data, processes, options


# Name of the run: config, kind of data, processes, options.
RUNS = {
    **{
        f'{method}-{data}': ablation(folder, method, data)
        for folder, data in (('scenes', SCENES), ('camvid', FRAMES))
        for method in (
            'poodle',
            'flowe',
            'dilated',
            'no-laterals',
            'no-blocks',
            'dense-only',
            'pooled-only',
            'byol',
            'densecl',
        )
        if data == SCENES or method in ('poodle', 'flowe', 'byol')
    },
    **{
        f'{method}-scenes': ablation('scenes', method, SCENES)
        for method in ('dino', 'ibot', 'mae', 'motion-subcrops', 'pixpro')
    },
    'poodle-vit-scenes': ('ablations/scenes/poodle_vit-xs8_scenes_96x192.py', SCENES, 1, {}),
    'poodle-exact-flow': ablation('scenes-exact', 'poodle', SCENES),
    'paper-scenes': ('demo/poodle_r18_scenes.py', SCENES, 1, {}),
    'paper-frames': ('demo/poodle_r18_camvid.py', FRAMES, 1, {}),
    'release-scenes': ('demo/poodle_r18_scenes_release.py', SCENES, 1, {}),
    'before-the-recipes-scenes': ('demo/poodle_r18_scenes.py', SCENES, 1, BEFORE_THE_RECIPES),
    'paper-two-processes': ('demo/poodle_r18_scenes.py', SCENES, 2, {}),
    'flowe-two-processes': ablation('scenes', 'flowe', SCENES, 2),
}


class LossRecorder(Hook):
    """Keep the loss of each iteration."""

    priority = 'LOWEST'

    def __init__(self) -> None:
        self.losses = []

    def after_train_iter(self, runner, batch_idx, data_batch=None, outputs=None) -> None:
        """Append the loss of this process."""
        self.losses.append(float(outputs['loss']))


def make_data(root: Path) -> None:
    """Four synthetic scenes as videos under ``root/scenes``, their frames under ``root/frames``."""
    counts = dict(train=4, val=0, test=0)
    write_scenes(
        root / SCENES, counts, size=(108, 192), num_frames=24, fps=10, labelled_frames=0, workers=1
    )
    for video in sorted((root / SCENES / 'videos' / 'train').glob('*.mp4')):
        with av.open(str(video)) as container:
            for index, frame in enumerate(container.decode(video=0)):
                file = root / FRAMES / video.stem / f'{video.stem}_{index:04d}.png'
                file.parent.mkdir(parents=True, exist_ok=True)
                cv2.imwrite(str(file), frame.to_ndarray(format='bgr24'))


def losses_of(name: str, repo: Path, data: Path) -> list[float]:
    """Total loss of the first iterations of a run of ``RUNS``, four pairs an iteration."""
    config, kind, processes, options = RUNS[name]
    cfg = Config.fromfile(repo / 'configs' / config)
    cfg.merge_from_dict(options)
    loader = cfg.train_dataloader
    loader.update(batch_size=4 // processes, num_workers=0, persistent_workers=False)
    for dataset in loader.dataset.get('datasets', [loader.dataset]):
        dataset.data_root = str(data / kind)
        dataset.data_prefix = dict(path='videos/train' if kind == SCENES else '')
        dataset.index_cache = str(data / 'index')
        if kind == FRAMES:
            dataset.fps = 10
    if cfg.model.type.endswith('DenseCL'):
        cfg.model.queue_len = 16
    set_max_iters(cfg, ITERATIONS)
    cfg.custom_hooks = [h for h in cfg.custom_hooks if 'Visualization' not in h['type']]
    cfg.default_hooks = dict(logger=dict(type='LoggerHook', interval=1000), checkpoint=None)
    cfg.visualizer = dict(type='mmengine.Visualizer')
    cfg.log_level = 'ERROR'
    recorder = LossRecorder()
    with tempfile.TemporaryDirectory() as cfg.work_dir, _one_thread(), cpu_ranks(cfg, processes):
        cfg.experiment_name = f'golden_{Path(cfg.work_dir).name}'
        runner = build_runner(cfg)
        runner.register_hook(recorder)
        runner.train()
    return recorder.losses


@contextmanager
def _one_thread() -> Iterator[None]:
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(before)
