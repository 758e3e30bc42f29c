"""An exported file gives the module's map without the module."""

import importlib.util
import subprocess
import sys

import pytest
import torch

from poodle_mm.apis import export as module
from poodle_mm.apis import export_encoder, load_encoder
from tests.test_apis.conftest import assert_same_map

LOADERS = {
    'torchscript': 'torch.jit.load(path)',
    'torch-export': 'torch.export.load(path).module()',
}


def images(height: int, width: int) -> torch.Tensor:
    return torch.randn(1, 3, height, width, generator=torch.Generator().manual_seed(0))


@pytest.mark.slow
@pytest.mark.parametrize(
    ('format', 'with_sdm', 'size', 'takes'),
    [
        ('torchscript', None, (50, 200), 'any size'),
        ('torch-export', None, (96, 160), 'multiples of 32 pixels'),
        ('torch-export', False, (96, 160), 'multiples of 32 pixels'),
    ],
)
def test_another_process_without_the_package(checkpoint, tmp_path, format, with_sdm, size, takes):
    """Sizes and batch are not the example's."""
    path = tmp_path / 'encoder.pt2'
    said = export_encoder(checkpoint, path, format, with_sdm, weights='ema')
    assert takes in said and float(said.split('difference ')[1].split()[0]) <= 1e-6
    x = images(*size)
    torch.save(x, tmp_path / 'x.pt')
    code = (
        f'import sys, torch; path = {str(path)!r}; run = {LOADERS[format]}; '
        f'torch.save(run(torch.load("x.pt")), "y.pt"); assert "poodle_mm" not in sys.modules'
    )
    subprocess.run([sys.executable, '-c', code], cwd=tmp_path, check=True)
    assert_same_map(
        torch.load(tmp_path / 'y.pt'), load_encoder(checkpoint, with_sdm, weights='ema')(x)
    )


@pytest.mark.parametrize('size', [None, (64, 96)])
def test_onnx(checkpoint, tmp_path, size):
    for package in ('onnx', 'onnxscript'):
        pytest.importorskip(package)
    onnxruntime = pytest.importorskip('onnxruntime')
    path = tmp_path / 'encoder.onnx'
    said = export_encoder(checkpoint, path, 'onnx', with_sdm=False, size=size)
    assert ('multiples of 32 pixels' in said) == (size is None)
    assert [p.name for p in tmp_path.iterdir()] == ['encoder.onnx']
    x = images(*(size or (96, 160)))
    (found,) = onnxruntime.InferenceSession(path).run(['features'], {'images': x.numpy()})
    assert_same_map(torch.from_numpy(found), load_encoder(checkpoint, with_sdm=False)(x))


def test_a_file_that_differs_is_not_written(checkpoint, tmp_path, monkeypatch):
    load = torch.jit.load
    monkeypatch.setattr('torch.jit.load', lambda path: lambda x: 1.01 * load(path)(x))
    with pytest.raises(ValueError, match=r'differs from the encoder by 1\.0e-02'):
        export_encoder(checkpoint, tmp_path / 'encoder.pt', 'torchscript')
    assert not list(tmp_path.iterdir())
    said = export_encoder(checkpoint, tmp_path / 'encoder.pt', 'torchscript', tolerance=0.02)
    assert 'difference 1.0e-02' in said


def test_what_is_missing_is_named(checkpoint, tmp_path, monkeypatch):
    found = importlib.util.find_spec
    monkeypatch.setattr(
        module.importlib.util, 'find_spec', lambda name: None if name == 'onnx' else found(name)
    )
    with pytest.raises(ImportError, match=r'onnx.* missing: pip install "poodle_mm\[export\]"'):
        export_encoder(checkpoint, tmp_path / 'encoder.onnx', 'onnx')
    with pytest.raises(ValueError, match='torchscript, torch-export, onnx, got'):
        export_encoder(checkpoint, tmp_path / 'encoder.pb', 'tensorflow')
    assert not list(tmp_path.iterdir())
