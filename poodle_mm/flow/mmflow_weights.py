"""RAFT weights trained with MMFlow, for torchvision's ``raft_large``.

The architectures are the same, tensor by tensor; names and the order of the input's colours
differ. MMFlow itself is not needed (and cannot be imported beside today's packages).
"""

import hashlib
import re
from collections.abc import Mapping
from pathlib import Path

import torch
from torch import Tensor
from torchvision.models.optical_flow import raft_large

from poodle_mm.checkpoints.files import load_file
from poodle_mm.checkpoints.state_dict import check_state
from poodle_mm.utils.files import replacing

_RENAMES = (
    # Both encoders.
    (r'^encoder\.', 'feature_encoder.'),
    (r'^context\.', 'context_encoder.'),
    (r'^(feature|context)_encoder\.conv1\.', r'\1_encoder.convnormrelu.0.'),
    (r'^(feature|context)_encoder\.bn1\.', r'\1_encoder.convnormrelu.1.'),
    (r'^(feature|context)_encoder\.conv2\.', r'\1_encoder.conv.'),
    (r'\.res_layer(\d)\.(\d)\.conv(\d)\.', r'.layer\1.\2.convnormrelu\3.0.'),
    (r'\.res_layer(\d)\.(\d)\.bn(\d)\.', r'.layer\1.\2.convnormrelu\3.1.'),
    (r'\.res_layer(\d)\.', r'.layer\1.'),
    # Motion encoder.
    (r'^decoder\.encoder\.', 'update_block.motion_encoder.'),
    (r'motion_encoder\.(corr|flow)_net\.0\.conv\.', r'motion_encoder.conv\g<1>1.0.'),
    (r'motion_encoder\.(corr|flow)_net\.1\.conv\.', r'motion_encoder.conv\g<1>2.0.'),
    (r'motion_encoder\.out_net\.0\.conv\.', 'motion_encoder.conv.0.'),
    # Recurrent block: MMFlow counts the two convolutions of a gate, torchvision the two GRUs.
    (r'^decoder\.gru\.conv_([zrq])\.0\.conv\.', r'update_block.recurrent_block.convgru1.conv\1.'),
    (r'^decoder\.gru\.conv_([zrq])\.1\.conv\.', r'update_block.recurrent_block.convgru2.conv\1.'),
    # Heads.
    (r'^decoder\.flow_pred\.layers\.0\.conv\.', 'update_block.flow_head.conv1.'),
    (r'^decoder\.flow_pred\.predict_layer\.', 'update_block.flow_head.conv2.'),
    (r'^decoder\.mask_pred\.layers\.0\.conv\.', 'mask_predictor.convrelu.0.'),
    (r'^decoder\.mask_pred\.predict_layer\.', 'mask_predictor.conv.'),
)
_STEMS = tuple(f'{name}_encoder.convnormrelu.0.weight' for name in ('feature', 'context'))


def is_mmflow_raft(state_dict: Mapping[str, Tensor]) -> bool:
    """Tell MMFlow's RAFT by its names."""
    return any(re.match(r'(module\.)?decoder\.gru\.conv_', key) for key in state_dict)


def convert_mmflow_raft(state_dict: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Weights of MMFlow's RAFT under the names of torchvision's ``raft_large``.

    MMFlow feeds BGR, torchvision RGB: the input channels of both stem convolutions are flipped.
    MMFlow's ``(x - 127.5) / 127.5`` is torchvision's [-1, 1], so nothing is rescaled.

    Args:
        state_dict: MMFlow's names, with or without the ``module.`` of data-parallel training.

    Returns:
        All 169 entries (5,257,536 parameters and the batch statistics) in torchvision's order.

    Raises:
        ValueError: If entries are missing, unknown or of another shape; the message lists them.
    """
    renamed = {}
    for key, value in state_dict.items():
        key = old = key.removeprefix('module.')
        for pattern, replacement in _RENAMES:
            key = re.sub(pattern, replacement, key)
        if key == old:  # also where torchvision knows it: that is converted already
            key += " (not MMFlow's)"
        renamed[key] = value.flip(1) if key in _STEMS else value
    with torch.device('meta'):
        net = raft_large()
    check_state(net, renamed, "The state dict of MMFlow's RAFT, renamed,", 'RAFT of torchvision')
    return {key: renamed[key].contiguous() for key in net.state_dict()}


def convert_file(source: str | Path, target: str | Path) -> str:
    """Convert an MMFlow checkpoint into a file for ``RAFTFlow(weights=target)``.

    Args:
        source: MMFlow's checkpoint (path or URL), whole or only its state dict. Nothing in it is
            executed.
        target: File for torchvision's state dict.

    Returns:
        SHA-256 of the written file.

    Raises:
        FileNotFoundError: If ``source`` does not exist.
        ValueError: If it does not hold MMFlow's RAFT.
    """
    checkpoint = load_file(source)
    try:
        weights = convert_mmflow_raft(checkpoint.get('state_dict', checkpoint))
    except ValueError as error:
        raise ValueError(f'{source}: {error}') from error
    with replacing(target) as temporary:
        torch.save(weights, temporary)
        return hashlib.sha256(temporary.read_bytes()).hexdigest()
