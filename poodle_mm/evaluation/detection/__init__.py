"""Object detection on a frozen encoder, with MMDetection and MMCV's compiled operators.

Raises (when it is imported):
    OSError: If one of them is missing, with the command that helps. No ImportError: MMEngine
        swallows those of ``custom_imports`` and reports a wrong path instead.
"""

from importlib import import_module

try:
    import_module('mmcv.ops')
except ImportError as error:
    raise OSError(
        "detection needs MMCV's compiled operators, which this environment lacks "
        f'({error}): build and install them with `bash tools/build_mmcv_ops.sh`'
    ) from error
try:
    import_module('mmdet.datasets')
except ImportError as error:
    raise OSError('detection needs MMDetection: pip install onedl-mmdetection') from error

from poodle_mm.evaluation.detection.bdd100k import BDD100KDetDataset
from poodle_mm.evaluation.detection.encoder import ResNetLastStage, set_encoder

__all__ = ['BDD100KDetDataset', 'ResNetLastStage', 'set_encoder']
