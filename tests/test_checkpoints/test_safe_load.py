"""Tensors come out of a file; whatever else is in it does not run."""

import importlib.util
import io
import os
import pickle
import re
import subprocess
from collections import OrderedDict
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
import torch

from poodle_mm.checkpoints import Stub, load_file, read_checkpoint, safe_load
from poodle_mm.checkpoints.config_text import read_config_text
from poodle_mm.checkpoints.safe_load import _StubbingUnpickler
from tests.test_checkpoints.authors import save_authors_file


class Calls:
    """A pickle of it calls a function."""

    def __init__(self, function, *arguments) -> None:
        self.call = (function, arguments)

    def __reduce__(self):
        return self.call


class SetsState:
    """A pickle of it hands its state to a method."""

    def __init__(self, marker: Path) -> None:
        self.marker = marker

    def __setstate__(self, state: dict) -> None:
        Path(state['marker']).touch()


PAYLOADS = dict(
    system=lambda marker: Calls(os.system, f'touch {marker}'),
    exec=lambda marker: Calls(exec, f'open({str(marker)!r}, "w")'),
    popen=lambda marker: Calls(subprocess.check_call, ['touch', str(marker)]),
    setstate=SetsState,
    # getattr(Path, 'touch')(marker): a call of what a call returned
    nested=lambda marker: Calls(map_all, Calls(getattr, Path, 'touch'), marker),
    key=lambda marker: {Calls(os.system, f'touch {marker}'): 1},
)


def map_all(function, argument):
    return function(argument)


@pytest.mark.parametrize('kind', PAYLOADS)
def test_nothing_is_executed(tmp_path, kind):
    marker, path = tmp_path / 'executed', tmp_path / 'file.pth'
    weights = torch.randn(3, 4)
    torch.save(dict(model=dict(w=weights), args=PAYLOADS[kind](marker), epoch=7), path)
    torch.load(path, weights_only=False)
    assert marker.exists(), 'the payload is no payload'
    marker.unlink()
    loaded = safe_load(path)
    assert not marker.exists()
    assert torch.equal(loaded['model']['w'], weights)
    assert loaded['epoch'] == 7


def test_classes_that_are_not_installed(tmp_path):
    path = save_authors_file(tmp_path / 'checkpoint-100.pth', dict(w=torch.ones(2)))
    with pytest.raises(Exception, match='omegaconf'):
        torch.load(path, weights_only=False)
    loaded = load_file(path)
    assert list(loaded) == ['model', 'optimizer', 'epoch', 'args', 'scaler']
    assert isinstance(loaded['args'], Stub)
    assert repr(loaded['args']) == '<not loaded: omegaconf.dictconfig.DictConfig>'
    assert not vars(loaded['args'])
    assert loaded['scaler'] == dict(scale=65536.0, growth_factor=2.0)


@pytest.mark.parametrize('foreign', [False, True], ids=['weights_only', 'stubs'])
def test_equals_torch(tmp_path, foreign):
    base = torch.randn(6, 4)
    content = dict(
        kinds=[base.to(d) for d in (torch.float16, torch.bfloat16, torch.float64, torch.int64)],
        flags=base > 0,
        views=(base, base.t(), base[::2, 1:]),
        parameter=torch.nn.Parameter(base[0]),
        ordered=OrderedDict(a=1, b=[2.5, None, True, 'text']),
        odd=(torch.Size([1, 2]), torch.float16, torch.device('cpu'), {3, 4}),
    )
    path = tmp_path / 'file.pth'
    torch.save(content | dict(args=SetsState(tmp_path / 'x') if foreign else None), path)
    found = safe_load(path)
    assert isinstance(found.pop('args'), Stub) == foreign
    for a, b in zip(found['kinds'] + [found['flags']], content['kinds'] + [content['flags']]):
        assert a.dtype == b.dtype and torch.equal(a, b)
    for a, b in zip(found['views'], content['views']):
        assert torch.equal(a, b) and a.stride() == b.stride()
    assert found['views'][0].data_ptr() == found['views'][1].data_ptr()
    assert isinstance(found['parameter'], torch.nn.Parameter)
    assert torch.equal(found['parameter'], base[0])
    assert (found['ordered'], found['odd']) == (content['ordered'], content['odd'])


def test_programs_and_old_files_are_refused(tmp_path):
    path = tmp_path / 'script.pth'
    torch.jit.script(torch.nn.Linear(2, 2)).save(path)
    with pytest.raises(ValueError, match=r'script\.pth cannot be read'):
        load_file(path)
    marker = tmp_path / 'executed'
    for evil in (True, False):
        content = dict(w=torch.ones(2), args=PAYLOADS['system'](marker) if evil else 1)
        torch.save(content, path, _use_new_zipfile_serialization=False)
        if evil:
            with pytest.raises(ValueError, match=r'zip format of torch 1\.6'):
                load_file(path)
        else:
            assert torch.equal(load_file(path)['w'], torch.ones(2))
    assert not marker.exists()


def test_functions_cannot_be_changed():
    """BUILD on a function would set its attributes, for the whole process."""
    attack = b"ctorch._utils\n_rebuild_tensor_v2\n(N(S'__defaults__'\n(I1\ntdtb."
    before = torch._utils._rebuild_tensor_v2.__defaults__
    with pytest.raises(pickle.UnpicklingError, match='change a function'):
        _StubbingUnpickler(io.BytesIO(attack)).load()
    assert torch._utils._rebuild_tensor_v2.__defaults__ == before


def test_config_of_a_checkpoint_is_data(tmp_path):
    """MMEngine's own reader would run the text."""
    marker = tmp_path / 'executed'
    attack = f"model = dict(backbone=dict(type=__import__('os').system('touch {marker}')))"
    torch.save(dict(meta=dict(cfg=attack), state_dict=dict(w=torch.ones(1))), tmp_path / 'x.pth')
    with pytest.raises(ValueError, match='no literal: it is not executed'):
        read_checkpoint(tmp_path / 'x.pth')
    assert not marker.exists()


def test_config_text_equals_mmengine(repo):
    from mmengine.config import Config

    for name in ('poodle_r50_bdd.py', 'flowe_r50_bdd.py', 'demo/poodle_r18_scenes.py'):
        cfg = Config.fromfile(repo / 'configs' / name)
        assert read_config_text(cfg.pretty_text, *cfg) == cfg.to_dict()
    text = "a = dict({'b': (1, -2.5)}, c=[None, True], **{'d e': -inf})\nb = open('x')\n"
    assert read_config_text(text, 'a', 'z') == dict(
        a={'b': (1, -2.5), 'c': [None, True], 'd e': float('-inf')}
    )
    with pytest.raises(ValueError, match='no config'):
        read_config_text('a = (', 'a')


@pytest.mark.parametrize('core', [b'core', b'_core'])
def test_arrays_and_numbers_of_numpy_1_and_2(core):
    array, number = np.arange(6.0).reshape(2, 3), np.float32(1.5)
    pickled = pickle.dumps([array, number], protocol=2)
    renamed = re.sub(rb'numpy\._?core\.', rb'numpy.%s.' % core, pickled)
    assert b'numpy.%s.multiarray' % core in renamed
    found = _StubbingUnpickler(io.BytesIO(renamed)).load()
    np.testing.assert_array_equal(found[0], array)
    assert found[1] == number and type(found[1]) is np.float32


def test_needs_no_private_module_of_numpy(monkeypatch):
    """``numpy._core`` is there but empty in NumPy 1.26."""
    monkeypatch.setattr(np, '_core', SimpleNamespace())
    spec = importlib.util.find_spec(safe_load.__module__)
    spec.loader.exec_module(importlib.util.module_from_spec(spec))
