"""CachedFlow: the flow that came with the sample."""

import pytest
import torch

from poodle_mm.datasets.frame_pair_sample import FramePairSample
from poodle_mm.flow import CachedFlow
from poodle_mm.registry import MODELS


def make_sample(number: int, flow: torch.Tensor | None) -> FramePairSample:
    sample = FramePairSample(
        metainfo=dict(source=f'drive/{number}.mp4', frame_ids=(number, number + 15))
    )
    if flow is not None:
        sample.flow = flow
    return sample


@pytest.fixture
def images():
    return torch.rand(2, 3, 3, 32, 48, generator=torch.Generator().manual_seed(0))


def test_stacks_both_directions_in_order(images):
    flows = torch.randn(3, 2, 2, 32, 48)
    samples = [make_sample(i, flow) for i, flow in enumerate(flows)]
    flow_ab, flow_ba = CachedFlow()(*images, samples)
    assert torch.equal(flow_ab, flows[:, 0])
    assert torch.equal(flow_ba, flows[:, 1])


def test_fallback_works_on_the_samples_without_flow_only(images):
    fallback = dict(type='DISFlow', preset='fast')
    stored = torch.randn(2, 2, 32, 48)
    samples = [make_sample(0, None), make_sample(1, stored), make_sample(2, None)]
    flow_ab, flow_ba = CachedFlow(fallback)(*images, samples)
    expected_ab, expected_ba = MODELS.build(fallback)(*images)
    assert torch.equal(flow_ab[1], stored[0])
    assert torch.equal(flow_ba[1], stored[1])
    for i in (0, 2):
        assert torch.equal(flow_ab[i], expected_ab[i])
        assert torch.equal(flow_ba[i], expected_ba[i])
    assert not torch.equal(flow_ab[1], expected_ab[1])


def test_missing_flow_names_the_pair_and_the_way_out(images):
    samples = [make_sample(i, torch.zeros(2, 2, 32, 48) if i != 1 else None) for i in range(3)]
    with pytest.raises(ValueError, match=r'drive/1\.mp4.*\(1, 16\).*cache_flow') as info:
        CachedFlow()(*images, samples)
    assert 'fallback' in str(info.value)


@pytest.mark.parametrize('shape', [(2, 32, 48), (2, 2, 32, 47), (1, 2, 32, 48)])
def test_flow_of_another_size_names_the_pair(images, shape):
    samples = [make_sample(i, torch.zeros(shape)) for i in range(3)]
    with pytest.raises(ValueError, match=r'drive/0\.mp4.*shape'):
        CachedFlow()(*images, samples)


def test_needs_a_sample_for_each_pair(images):
    with pytest.raises(ValueError, match='all 3 pairs, got None'):
        CachedFlow()(*images)
    with pytest.raises(ValueError, match='all 3 pairs, got 1'):
        CachedFlow()(*images, [make_sample(0, None)])
