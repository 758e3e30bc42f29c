"""Files of true flow: Middlebury's ``.flo`` and KITTI's 16-bit ``.png``."""

from pathlib import Path

import cv2
import numpy as np

from poodle_mm.utils.files import replacing, write_image

_MAGIC = b'PIEH'  # 202021.25 as float32
UNKNOWN = 1e9  # of .flo: components as large as this are unknown
PNG_LIMIT = 2**15 / 64  # pixels
_MAX_SIDE = 2**16


def read_flow_file(path: str | Path) -> tuple[np.ndarray, np.ndarray]:
    """Read flow from a file; its suffix tells the format.

    Args:
        path: ``.flo``, or ``.png`` with KITTI's 16 bits: ``(value - 2 ** 15) / 64`` in the red and
            green channel, whether it is known in the blue one.

    Returns:
        ``(flow, known)``: float32 (2, H, W), (du, dv) in pixels, 0 where unknown; bool (H, W).

    Raises:
        FileNotFoundError: If there is no such file.
        ValueError: If it is not such a file, or damaged.
    """
    path = Path(path)
    if not path.is_file():
        raise FileNotFoundError(f'there is no flow file {path}')
    if path.suffix == '.flo':
        flow = _read_flo(path)
        known = np.isfinite(flow).all(0) & (np.abs(flow) < UNKNOWN).all(0)
    elif path.suffix == '.png':
        values = cv2.imread(str(path), cv2.IMREAD_UNCHANGED)
        if values is None or values.dtype != np.uint16 or values.shape[2:] != (3,):
            raise ValueError(f'{path} is no flow of KITTI: a PNG with three channels of 16 bits')
        flow = (values[..., :0:-1].astype(np.float32) - 2**15) / 64  # blue, green, red
        flow, known = flow.transpose(2, 0, 1), values[..., 0] > 0
    else:
        raise ValueError(f'{path}: flow is read from .flo and .png files')
    return np.ascontiguousarray(np.where(known, flow, 0), np.float32), known


def write_flow_file(path: str | Path, flow: np.ndarray, known: np.ndarray | None = None) -> None:
    """Write flow, whole or not at all; the arguments are what :func:`read_flow_file` returns.

    ``.flo`` keeps float32 exactly, ``.png`` rounds to 1/64 pixel.

    Args:
        path: ``.flo`` or ``.png``.
        flow: (2, H, W), (du, dv) in pixels.
        known: (H, W) bool; None: all that is finite.

    Raises:
        ValueError: For another shape or suffix, or motion of 512 pixels and more in a ``.png``.
    """
    path, flow = Path(path), np.asarray(flow, np.float32)
    if flow.ndim != 3 or flow.shape[0] != 2:
        raise ValueError(f'{path}: flow must be (2, H, W), got {flow.shape}')
    known = np.isfinite(flow).all(0) & (True if known is None else np.asarray(known, bool))
    if path.suffix == '.flo':
        values = np.where(known, flow, 2 * UNKNOWN).astype('<f4')
        header = np.array(flow.shape[:0:-1], '<i4')
        with replacing(path) as temporary:
            interleaved = values.transpose(1, 2, 0).tobytes()
            temporary.write_bytes(_MAGIC + header.tobytes() + interleaved)
    elif path.suffix == '.png':
        flow = np.where(known, flow, 0)
        values = np.rint(flow * 64) + 2**15
        if values.min() < 0 or values.max() >= 2**16:
            raise ValueError(
                f'{path}: KITTI stores less than {PNG_LIMIT:g} pixels of motion, '
                f'got {np.abs(flow).max():.1f}: write a .flo file'
            )
        values = np.where(known, values, 0)
        image = np.stack([known, values[1], values[0]], axis=-1).astype(np.uint16)
        write_image(path, image)
    else:
        raise ValueError(f'{path}: flow is written as .flo or .png')


def _read_flo(path: Path) -> np.ndarray:
    content = path.read_bytes()
    width, height = np.frombuffer(content[4:12], '<i4') if len(content) >= 12 else (0, 0)
    if content[:4] != _MAGIC or not (0 < width < _MAX_SIDE and 0 < height < _MAX_SIDE):
        raise ValueError(f'{path} is no .flo file')
    if len(content) != 12 + 8 * int(width) * int(height):
        raise ValueError(f'{path} is damaged: {len(content)} bytes for {width} x {height} pixels')
    flow = np.frombuffer(content, '<f4', offset=12).reshape(height, width, 2)
    return flow.transpose(2, 0, 1)
