"""An encoder as one file that runs without this package: TorchScript, torch.export, ONNX."""

import importlib.util
import io
import warnings
from collections.abc import Callable
from os import PathLike
from pathlib import Path

import torch
from torch import Tensor
from torch.export import Dim, ExportedProgram

from poodle_mm.apis.encoder import DenseEncoder, load_encoder
from poodle_mm.utils.files import replacing

FORMATS = ('torchscript', 'torch-export', 'onnx')
Run = Callable[[Tensor], Tensor]


def export_encoder(
    checkpoint: str | PathLike,
    out: str | PathLike,
    format: str,
    with_sdm: bool | None = None,
    weights: str = 'online',
    size: tuple[int, int] | None = None,
    tolerance: float = 1e-4,
) -> str:
    """Write an encoder to a file of its own and compare the file with the module.

    The file takes normalised images (N, 3, H, W) and gives :class:`DenseEncoder`'s map. H and W are
    free: any size in TorchScript, multiples of ``encoder.multiple`` in the other two.

    Args:
        checkpoint, with_sdm, weights: As in :func:`load_encoder`.
        out: The file.
        format: ``'torchscript'``, ``'torch-export'`` or ``'onnx'``.
        size: (H, W); ``torch-export`` and ``onnx`` then write a file for this size alone.
        tolerance: Largest difference from the module's map, as a share of the map's largest value.

    Returns:
        What was written, what sizes it takes and how far it is from the module, on one line.

    Raises:
        FileNotFoundError, ValueError: As in :func:`load_encoder`.
        ImportError: If a package for ONNX is missing.
        ValueError: If the encoder cannot be exported, or the file differs from the module; there is
            then no file.
    """
    if format not in FORMATS:
        raise ValueError(f'format must be one of {", ".join(FORMATS)}, got {format!r}')
    if format == 'onnx':
        _need('onnx', 'onnxscript', 'onnxruntime')
    encoder = load_encoder(checkpoint, with_sdm, weights)
    step = encoder.multiple
    fixed = size is not None and format != 'torchscript'
    sizes = [size or (2 * step, 3 * step), size if fixed else (5 * step, 4 * step)]
    with replacing(out) as temporary, warnings.catch_warnings():
        warnings.simplefilter('ignore')  # of what tracing leaves out; the comparison would tell
        example = torch.randn(2, 3, *sizes[0])
        if format == 'torchscript':
            torch.jit.trace(encoder, example, check_trace=False).save(temporary)
            run: Run = torch.jit.load(temporary)
        else:
            run = _export(encoder, example, fixed, format, temporary)
        difference = max(_difference(encoder, run, size) for size in sizes)
        if not difference <= tolerance:
            raise ValueError(
                f'{checkpoint} as {format} differs from the encoder by {difference:.1e} of the '
                f"map's largest value, more than {tolerance:.1e}: nothing is written"
            )
    if fixed:
        takes = f'images of {size[0]}x{size[1]} alone'
    else:
        takes = 'any size' if format == 'torchscript' else f'multiples of {step} pixels'
    at = ' and '.join(f'{h}x{w}' for h, w in dict.fromkeys(sizes))
    return (
        f'{out}: takes any number of images, {takes}; largest difference {difference:.1e} of the '
        f"map's largest value, at {at}"
    )


def _export(encoder: DenseEncoder, example: Tensor, fixed: bool, format: str, path: Path) -> Run:
    """Write and read back what goes through ``torch.export``."""
    dims = {0: Dim('images')}
    if not fixed:
        dims |= {2: encoder.multiple * Dim('rows'), 3: encoder.multiple * Dim('columns')}
    try:
        program = torch.export.export(encoder, (example,), dynamic_shapes=(dims,), strict=False)
        if format == 'onnx':
            return _write_onnx(program, path)
    except RuntimeError as error:  # of both exporters, for what they cannot express
        hint = '' if fixed else '; --size H W writes a file for one size'
        raise ValueError(
            f'{format} refuses this encoder{hint}: {str(error).splitlines()[0]}'
        ) from error
    buffer = io.BytesIO()  # torch wants its own ending in a file's name
    torch.export.save(program, buffer)
    path.write_bytes(buffer.getvalue())
    return torch.export.load(io.BytesIO(path.read_bytes())).module()


def _write_onnx(program: ExportedProgram, path: Path) -> Run:
    import onnxruntime

    names = dict(input_names=['images'], output_names=['features'])
    torch.onnx.export(program, dynamo=True, verbose=False, **names).save(path, external_data=False)
    session = onnxruntime.InferenceSession(path, providers=['CPUExecutionProvider'])
    return lambda images: torch.from_numpy(session.run(None, {'images': images.numpy()})[0])


def _difference(encoder: DenseEncoder, run: Run, size: tuple[int, int]) -> float:
    """Largest difference for three random images, as a share of the largest value."""
    images = torch.randn(3, 3, *size)
    with torch.no_grad():
        expected, found = encoder(images), run(images)
    if found.shape != expected.shape:
        return float('inf')
    return ((found - expected).abs().max() / expected.abs().max()).item()


def _need(*packages: str) -> None:
    missing = [name for name in packages if importlib.util.find_spec(name) is None]
    if missing:
        raise ImportError(f'{", ".join(missing)} missing: pip install "poodle_mm[export]"')
