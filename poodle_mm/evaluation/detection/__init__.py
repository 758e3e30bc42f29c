"""Object detection on a frozen encoder, with MMDetection."""

from poodle_mm.evaluation.detection.operators import require_operators

require_operators()

from poodle_mm.evaluation.detection.bdd100k import BDD100KDetDataset  # noqa: E402
from poodle_mm.evaluation.detection.configs import set_data_root, set_encoder  # noqa: E402
from poodle_mm.evaluation.detection.last_stage import ResNetLastStage  # noqa: E402

__all__ = [
    'BDD100KDetDataset',
    'ResNetLastStage',
    'require_operators',
    'set_data_root',
    'set_encoder',
]
