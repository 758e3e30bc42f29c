"""What MMSegmentation and MMDetection need to take over a checkpoint.

``segmentation`` and ``detection`` import those packages; this package itself does not.
"""

from poodle_mm.downstream.checkpoint import (
    EncoderCheckpoint,
    encoder_of_config,
    load_part,
    random_encoder,
    read_checkpoint,
)
from poodle_mm.downstream.hooks import FrozenPartsHook, StrictLoadHook

__all__ = [
    'EncoderCheckpoint',
    'FrozenPartsHook',
    'StrictLoadHook',
    'encoder_of_config',
    'load_part',
    'random_encoder',
    'read_checkpoint',
]
