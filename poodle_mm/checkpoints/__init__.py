"""Checkpoint files: reading them safely, what they hold, other people's names of tensors."""

from poodle_mm.checkpoints.allowed_types import allow_encoder
from poodle_mm.checkpoints.encoder_checkpoint import (
    EncoderCheckpoint,
    encoder_of_config,
    load_part,
    random_encoder,
    read_checkpoint,
)
from poodle_mm.checkpoints.files import (
    FILE_SCHEME,
    RELEASE_SCHEME,
    load_file,
    state_dict_of,
    tensors_of,
)
from poodle_mm.checkpoints.loaders import load_from_local
from poodle_mm.checkpoints.release import convert_state, is_release, release_model
from poodle_mm.checkpoints.safe_load import Stub, safe_load

__all__ = [
    'FILE_SCHEME',
    'RELEASE_SCHEME',
    'EncoderCheckpoint',
    'Stub',
    'allow_encoder',
    'convert_state',
    'encoder_of_config',
    'is_release',
    'load_file',
    'load_from_local',
    'load_part',
    'random_encoder',
    'read_checkpoint',
    'release_model',
    'safe_load',
    'state_dict_of',
    'tensors_of',
]
