"""DoRA's configs: the official settings line by line, and a step of the small ones."""

from pathlib import Path

import pytest
import torch
from mmengine.config import Config
from mmengine.dataset import default_collate
from mmengine.registry import init_default_scope

from poodle_mm.datasets import FrameClipDataset
from poodle_mm.registry import MODELS, register_all_modules
from tests.test_datasets.video_factory import write_video

FOLDER = Path(__file__).resolve().parents[2] / 'configs' / 'dora'
LARGE = sorted(FOLDER.glob('*vit-s16*'))
SMALL = sorted(FOLDER.glob('*vit-xs8*'))


@pytest.mark.parametrize('file', LARGE, ids=lambda file: file.stem)
def test_official_settings(file):
    cfg = Config.fromfile(file)
    data, model = cfg.train_dataloader.dataset, cfg.model
    assert data.num_frames == 8
    if '_wt-' in file.name:
        assert data.spacing == 60 and data.get('spacing_unit', 'frames') == 'frames'
    (views,) = data.pipeline
    assert (views.clip[0].scale, views.local[0].scale, views.num_locals) == (224, 112, 6)
    assert (model.type, model.num_objects, model.head.out_channels) == ('DoRA', 3, 65536)
    assert model.teacher_temperature == (0.04, 0.07)
    assert model.warmup * cfg.train_cfg.max_epochs == pytest.approx(30)
    assert (cfg.train_dataloader.batch_size, cfg.processes) == (16, 8)
    _, cosine, decay = cfg.param_scheduler
    assert cfg.optim_wrapper.optimizer.lr == 5e-4 and cosine.eta_min == 1e-5
    assert cosine.end == decay.end == cfg.train_cfg.max_epochs


@pytest.mark.parametrize('file', SMALL, ids=lambda file: file.stem)
def test_small_ones_step(file, tmp_path):
    """On a video of 2.4 s at 10 frames/s, as long as one of the synthetic scenes."""
    register_all_modules()
    init_default_scope('poodle_mm')
    write_video(tmp_path / 'a.mp4', 24, fps=10)
    cfg = Config.fromfile(file)
    data = cfg.train_dataloader.dataset
    parts = data.get('datasets', [data])
    for part in parts:
        assert (part.type, part.num_frames, part.spacing_unit) == ('FrameClipDataset', 4, 'seconds')
    dataset = FrameClipDataset(
        str(tmp_path),
        num_frames=4,
        spacing=parts[-1].spacing,
        spacing_unit='seconds',
        pipeline=data.pipeline,
    )
    model = MODELS.build(cfg.model)
    model.init_weights()
    model.target.total_steps = 2
    batch = model.data_preprocessor(default_collate([dataset[0]]), True)
    assert [view.shape for view in batch['inputs']] == [(1, 4, 3, 128, 128), (1, 4, 4, 3, 64, 64)]
    total, _ = model.parse_losses(model(**batch, mode='loss'))
    total.backward()
    assert torch.isfinite(total) and model.backbone.patch_embed.projection.weight.grad.any()
