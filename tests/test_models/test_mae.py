"""MAE is mmpretrain's; what is ours: masks from seeds, and the explained variance."""

from pathlib import Path

import mmpretrain
import pytest
import torch
from mmengine.config import Config
from mmpretrain.models.selfsup import MAE as MMPretrainMAE
from mmpretrain.models.selfsup import MAEViT
from mmpretrain.structures import DataSample

from poodle_mm.checkpoints.encoder_checkpoint import encoder_of_config
from poodle_mm.models import SeededMAEViT
from poodle_mm.models.backbones.seeded_mae_vit import patch_ranks
from poodle_mm.models.methods.mae import explained_variance
from poodle_mm.registry import MODELS

ARCH = dict(embed_dims=8, num_layers=1, num_heads=2, feedforward_channels=16)


def encoder(cls) -> MAEViT:
    torch.manual_seed(0)
    model = cls(arch=ARCH, img_size=16, patch_size=4, mask_ratio=0.75)
    model.init_weights()
    return model


def samples(*seeds: int) -> list[DataSample]:
    return [DataSample(metainfo=dict(seed=seed)) for seed in seeds]


def test_large_model_is_mmpretrains(repo):
    """But for encoder and seeds: a ViT-S/16, 21.7 million parameters."""
    configs = Path(mmpretrain.__file__).parent / '.mim' / 'configs'
    published = Config.fromfile(configs / '_base_' / 'models' / 'mae_vit-base-p16.py').model
    ours = Config.fromfile(repo / 'configs' / '_base_' / 'models' / 'mae_vit-s16.py')
    published.neck.update(embed_dim=384, num_patches=196)
    for part in (published.neck, published.head, published.head.loss):
        part.type = f'mmpretrain.{part.type}'
    assert (ours.model.neck, ours.model.head) == (published.neck, published.head)
    assert ours.model.init_cfg == published.init_cfg
    assert ours.model.backbone.mask_ratio == published.backbone.mask_ratio == 0.75
    model = MODELS.build(ours.model)
    assert isinstance(model, MMPretrainMAE) and model.head.norm_pix
    assert sum(p.numel() for p in model.backbone.parameters()) == 21_665_664
    found = encoder_of_config(ours).backbone
    plain = MODELS.build(found)
    assert type(plain).__name__ == 'VisionTransformer'
    shapes = {name: value.shape for name, value in model.backbone.state_dict().items()}
    assert {name: value.shape for name, value in plain.state_dict().items()} == shapes


def test_mmpretrains_own_encoder_is_read_out_too():
    cfg = Config(
        dict(model=dict(backbone=dict(type='mmpretrain.MAEViT', arch='b', mask_ratio=0.6)))
    )
    assert encoder_of_config(cfg).backbone == dict(type='mmpretrain.VisionTransformer', arch='b')


def test_masks_are_mmpretrains_for_the_same_numbers(monkeypatch):
    ours, theirs = encoder(SeededMAEViT), encoder(MAEViT)
    images = torch.randn(3, 3, 16, 16, generator=torch.Generator().manual_seed(1))
    ranks = patch_ranks(samples(3, 4, 5), 16)
    found = ours(images, ranks)
    monkeypatch.setattr(torch, 'rand', lambda *shape, **options: ranks)
    for one, other in zip(found, theirs(images), strict=True):
        torch.testing.assert_close(one, other)
    assert found[0].shape == (3, 5, 8) and (found[1].sum(dim=1) == 12).all()
    monkeypatch.undo()
    assert torch.equal(ours(images, None)[0], theirs(images, None)[0])  # no mask
    torch.manual_seed(7)
    without = ours(images)[1]
    torch.manual_seed(7)
    assert torch.equal(without, theirs(images)[1])


def test_ranks_depend_on_the_seed_alone():
    ranks = patch_ranks(samples(3, 2**62, 5), 10)
    assert torch.equal(patch_ranks(samples(2**62), 10)[0], ranks[1])
    assert len(ranks.flatten().unique()) == 30
    with pytest.raises(ValueError, match='seed'):
        patch_ranks([DataSample()], 10)


def test_explained_variance_by_hand():
    target = torch.tensor([[[0.0, 2.0], [4.0, 2.0], [100.0, 100.0]]])
    mask = torch.tensor([[1.0, 1.0, 0.0]])
    mean = torch.tensor([2.0, 2.0]).expand(1, 3, 2)
    assert explained_variance(target, target, mask) == 1
    assert explained_variance(mean, target, mask) == 0
    # squared errors 1 + 1 of a spread of 4 + 4
    assert explained_variance(target + torch.tensor([1.0, 0.0]), target, mask) == 0.75
