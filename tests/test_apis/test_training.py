"""apis.pretrain: from a folder of videos to an encoder."""

import pytest
import torch
from mmengine.config import Config

from poodle_mm import apis
from poodle_mm.checkpoints import load_file
from tests.test_datasets.video_factory import write_video
from tests.test_experiments.test_demo.tiny import TINY_DEMO


@pytest.fixture
def config(tmp_path):
    """The tiny demo with a name of its own: MMEngine keeps loggers by it."""
    path = tmp_path / 'tiny.py'
    path.write_text(f'{TINY_DEMO}\nexperiment_name = {tmp_path.name!r}\n')
    return path


def test_videos_to_encoder_and_on(tmp_path, config):
    videos = tmp_path / 'my clips'
    for name in ('a.mp4', 'below/b.mp4'):
        (videos / name).parent.mkdir(parents=True, exist_ok=True)
        write_video(videos / name, num_frames=8)
    out, options = tmp_path / 'run', {'train_cfg.max_iters': 2, 'param_scheduler': []}
    encoder = apis.pretrain(videos, out, config, **options)
    assert not encoder.training and encoder.stride == 8
    trained = load_file(out / 'iter_2.pth')['state_dict']
    for part in ('backbone', 'neck'):
        for key, value in getattr(encoder, part).state_dict().items():
            torch.testing.assert_close(value, trained[f'{part}.{key}'], rtol=0, atol=0)

    with pytest.raises(ValueError, match='--resume'):
        apis.pretrain(videos, out, config, **options)
    options['train_cfg.max_iters'] = 3
    longer = apis.pretrain(videos, out, config, resume=True, **options)
    further = load_file(out / 'iter_3.pth')['state_dict']['backbone.conv1.weight']
    assert torch.equal(longer.backbone.conv1.weight, further)
    assert not torch.equal(longer.backbone.conv1.weight, encoder.backbone.conv1.weight)


def test_another_length_with_its_schedules(tmp_path, config):
    write_video(tmp_path / 'clips' / 'a.mp4', num_frames=8)
    write_video(tmp_path / 'clips' / 'b.mp4', num_frames=8)
    apis.pretrain(tmp_path / 'clips', tmp_path / 'run', config, iters=5)
    assert load_file(tmp_path / 'run' / 'iter_5.pth')['meta']['iter'] == 5
    text = (tmp_path / 'run' / 'tiny.py').read_text()
    (warmup, cosine) = Config.fromstring(text, '.py').param_scheduler
    assert (warmup.end, cosine.begin, cosine.end, cosine.T_max) == (2, 2, 5, 3)  # 4, 4, 10, 6


def test_mistakes(tmp_path, config, monkeypatch):
    monkeypatch.setenv('HOME', str(tmp_path))
    with pytest.raises(FileNotFoundError, match=f'{tmp_path}/nowhere'):
        apis.pretrain('~/nowhere', tmp_path / 'run', config)
    with pytest.raises(FileNotFoundError, match='nowhere'):
        apis.pretrain(tmp_path / 'nowhere', tmp_path / 'run', config)
    with pytest.raises(KeyError, match='momentm'):
        apis.pretrain(tmp_path, tmp_path / 'run', config, **{'model.momentm': 0.5})
    with pytest.raises(ValueError, match='no data_root'):  # a mixture of data sets
        apis.pretrain(tmp_path, tmp_path / 'run', 'poodle_r18_camvid_96x192.py')


def test_a_password_in_a_url_is_not_written(tmp_path, config):
    with pytest.raises(ValueError, match='password or a signature') as error:
        apis.pretrain('https://me:xyzzy@host/videos', tmp_path / 'run', config)
    assert 'xyzzy' not in str(error.value)
    assert not (tmp_path / 'run').exists()
