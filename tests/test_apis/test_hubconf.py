"""torch.hub's entries, and encoders with random weights."""

import pytest
import torch

from poodle_mm import apis


def hub(repo, entry: str, **options):
    return torch.hub.load(str(repo), entry, source='local', **options)


def test_entries_load_what_they_are_given(repo, tmp_path, capfd):
    """Random weights, stored with torchvision's names, come back bit for bit."""
    torch.manual_seed(0)
    first = hub(repo, 'poodle_resnet50')
    assert len(capfd.readouterr().err.splitlines()) < 5  # MMEngine would list every tensor
    torch.save(first.backbone.state_dict(), tmp_path / 'r50.pth')
    second = hub(repo, 'poodle_resnet50', checkpoint=tmp_path / 'r50.pth')
    images = torch.rand(1, 3, 64, 96)
    assert first(images).shape == (1, 2048, 2, 3)
    assert torch.equal(first(images), second(images))
    with pytest.raises(ValueError, match='no spatial decoder'):
        hub(repo, 'poodle_resnet50_sdm', checkpoint=tmp_path / 'r50.pth')


def test_with_the_decoder(repo):
    assert hub(repo, 'poodle_resnet50_sdm').stride == 8


def test_other_encoders_are_refused(repo, checkpoint):
    with pytest.raises(ValueError, match=r'tiny\.pth holds no ResNet-50'):
        hub(repo, 'poodle_resnet50', checkpoint=checkpoint)


def test_random_encoders_start_as_runs_do():
    """Kaiming's normal over the outputs, not torch's uniform over the inputs; seeded by torch."""
    torch.manual_seed(1)
    first = apis.random_encoder('poodle_r18_scenes', with_sdm=False)
    torch.manual_seed(1)
    second = apis.random_encoder('poodle_r18_scenes', with_sdm=False)
    weight = first.backbone.layer4[1].conv2.weight
    assert torch.equal(weight, second.backbone.layer4[1].conv2.weight)
    assert weight.std().item() == pytest.approx((2 / (weight.shape[0] * 9)) ** 0.5, rel=0.02)
    assert first.neck is None
    assert apis.random_encoder('poodle_r18_scenes').neck is not None
    with pytest.raises(ValueError, match='no spatial decoder'):
        apis.random_encoder('flowe_r50_bdd.py', with_sdm=True)
