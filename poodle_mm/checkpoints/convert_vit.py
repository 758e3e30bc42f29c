"""A ViT of DINO's and timm's names as a file of OpenMMLab's, for readers other than ours."""

from pathlib import Path

import torch

from poodle_mm.checkpoints.files import check_conversion, load_file, state_dict_of, tensors_of
from poodle_mm.checkpoints.vit_keys import foreign_vit, infer_vit
from poodle_mm.utils.files import replacing


def convert_vit_file(source: str | Path, target: str | Path) -> str:
    """Write a ViT of DINO's names under mmpretrain's; returns what was done, in a line.

    Raises:
        FileNotFoundError: If there is no such file.
        ValueError: If the file holds no plain ViT of those names, its tensors are not finite, or
            both are one file.
    """
    loaded = load_file(source)
    if foreign_vit(tensors_of(loaded, source)) is None:
        raise ValueError(f'{source} holds no ViT with the names of DINO and timm')
    renamed = state_dict_of(loaded, source)
    check_conversion(source, target, renamed)
    with replacing(target) as temporary:
        torch.save(dict(state_dict=renamed), temporary)
    return f'{target}: {len(renamed)} tensors of a ViT, {infer_vit(renamed)["arch"]}'
