"""MMCV's compiled operators, without which MMDetection does not import."""

from importlib import import_module

BUILD_COMMAND = 'bash tools/build_mmcv_ops.sh'
"""Builds the operators and installs them, from the repository's root."""


def require_operators() -> None:
    """Check that MMDetection can be imported.

    Raises:
        OSError: With the command that helps. No ImportError: MMEngine swallows those of
            ``custom_imports`` and reports a wrong path instead.
    """
    try:
        import_module('mmcv.ops')
    except ImportError as error:
        raise OSError(
            "detection needs MMCV's compiled operators, which this environment lacks "
            f'({error}): build and install them with `{BUILD_COMMAND}`'
        ) from error
    try:
        import_module('mmdet.datasets')
    except ImportError as error:
        raise OSError('detection needs MMDetection: pip install onedl-mmdetection') from error
