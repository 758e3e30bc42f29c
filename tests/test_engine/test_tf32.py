"""The switch of TF32 and the config's key for it."""

from types import SimpleNamespace

import pytest
import torch
from mmengine.config import Config

from poodle_mm.engine import train


@pytest.fixture(autouse=True)
def restore():
    before = torch.backends.cuda.matmul.allow_tf32, torch.backends.cudnn.allow_tf32
    yield
    torch.backends.cuda.matmul.allow_tf32, torch.backends.cudnn.allow_tf32 = before


def flags():
    return torch.backends.cuda.matmul.allow_tf32, torch.backends.cudnn.allow_tf32


@pytest.mark.parametrize('allow', [True, False])
def test_both_flags(allow):
    torch.backends.cuda.matmul.allow_tf32 = torch.backends.cudnn.allow_tf32 = not allow
    train.set_tf32(allow)
    assert flags() == (allow, allow)


@pytest.mark.parametrize(
    'options, expected', [({}, False), ({'allow_tf32': True}, True), ({'allow_tf32': False}, False)]
)
def test_a_run_sets_them_from_its_config_before_it_is_built(options, expected, monkeypatch):
    seen = []

    def build(cfg):
        seen.append(flags())
        return SimpleNamespace(_train_loop=None)

    monkeypatch.setattr(train.Runner, 'from_cfg', build)
    torch.backends.cuda.matmul.allow_tf32 = torch.backends.cudnn.allow_tf32 = not expected
    train.build_runner(Config(options))
    assert seen == [(expected, expected)]


@pytest.mark.parametrize('allow, words', [(True, 'TF32'), (False, 'full float32')])
def test_a_run_on_a_gpu_says_which(allow, words, monkeypatch):
    messages = []
    monkeypatch.setattr(torch.cuda, 'is_available', lambda: True)
    monkeypatch.setattr(train, 'print_log', lambda text, **_: messages.append(text))
    train.set_tf32(allow)
    assert len(messages) == 1 and words in messages[0]
