"""Plain ViT weights (the naming of DINO, iBOT and timm), read off their keys and shapes."""

from collections.abc import Mapping

import torch
from torch import Tensor

from poodle_mm.checkpoints.state_dict import part_of

_RENAMES = (
    ('patch_embed.proj.', 'patch_embed.projection.'),
    ('blocks.', 'layers.'),
    ('.norm1.', '.ln1.'),
    ('.norm2.', '.ln2.'),
    ('.mlp.fc1.', '.ffn.layers.0.0.'),
    ('.mlp.fc2.', '.ffn.layers.1.'),
)

_PARTS = ('cls_token', 'register_tokens', 'pos_embed', 'patch_embed', 'layers', 'ln1')
_MASKED_VITS = ('mmpretrain.MAEViT', 'poodle_mm.SeededMAEViT')


def is_vit(state: Mapping[str, Tensor]) -> bool:
    """Whether the keys are mmpretrain's names of a plain ViT's tensors."""
    return 'cls_token' in state and 'patch_embed.projection.weight' in state


def foreign_vit(state: Mapping[str, Tensor]) -> str | None:
    """Prefix under which a plain ViT has DINO's (and timm's) names; None if there is none."""
    for prefix in ('', 'backbone.'):  # DINO's whole checkpoints have the latter
        if {f'{prefix}cls_token', f'{prefix}patch_embed.proj.weight'} <= state.keys():
            return prefix
    return None


def rename_vit(state: Mapping[str, Tensor], prefix: str = '') -> dict[str, Tensor]:
    """DINO's names of a ViT's tensors to mmpretrain's; others' tensors are dropped.

    Args:
        state: Tensors of a file.
        prefix: Result of :func:`foreign_vit`.
    """
    renamed = {}
    for key, value in part_of(state, prefix).items():
        for old, new in _RENAMES:
            key = key.replace(old, new)
        if key in ('norm.weight', 'norm.bias'):
            key = f'ln1.{key.split(".")[1]}'
        if key.split('.')[0] in _PARTS:
            renamed[key] = value
    return renamed


def vit_to_timm(state: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """mmpretrain's names of a ViT's tensors to timm's: the way back of :func:`rename_vit`.

    timm adds a position to registers, too: they get zeros. A mask token is dropped.
    """
    renamed = {}
    for key, value in state.items():
        for theirs, ours in reversed(_RENAMES):
            key = key.replace(ours, theirs)
        renamed[key.replace('ln1.', 'norm.')] = value
    renamed.pop('mask_token', None)
    registers = renamed.pop('register_tokens', None)
    if registers is not None:
        first, patches = renamed['pos_embed'].tensor_split([1], dim=1)
        positions = torch.cat([first, torch.zeros_like(registers), patches], dim=1)
        renamed |= dict(reg_token=registers, pos_embed=positions)
    return renamed


def infer_vit(state: Mapping[str, Tensor]) -> dict:
    """Config of mmpretrain's ``VisionTransformer`` (ours with registers) for tensors of its names.

    Heads are 64 wide, as in ViT-S, -B and -L; the patches are square.
    """
    dims, _, patch, _ = state['patch_embed.projection.weight'].shape
    tokens = state['pos_embed'].shape[1] - 1
    registers = {}
    if 'register_tokens' in state:
        registers = dict(num_registers=state['register_tokens'].shape[1])
    return dict(
        type=f'{"poodle_mm" if registers else "mmpretrain"}.VisionTransformer',
        arch=dict(
            embed_dims=dims,
            num_layers=len({key.split('.')[1] for key in state if key.startswith('layers.')}),
            num_heads=max(1, dims // 64),
            feedforward_channels=len(state['layers.0.ffn.layers.0.0.weight']),
        ),
        img_size=round(tokens**0.5) * patch,
        patch_size=patch,
        **registers,
    )


def without_masking(cfg: Mapping) -> dict:
    """Config of the plain ViT that MAE's encoder is; other configs as they are.

    Its tensors have the same names; its sine-cosine positions are a parameter, too.
    """
    if cfg['type'] not in _MASKED_VITS:
        return dict(cfg)
    kept = {key: value for key, value in cfg.items() if key != 'mask_ratio'}
    return dict(kept, type='mmpretrain.VisionTransformer')
