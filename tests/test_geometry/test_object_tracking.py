"""Objects in a clip: plain loops, and blobs that move where they are known to be."""

import math

import torch
import torch.nn.functional as F

from poodle_mm.geometry.object_tracking import (
    object_masks,
    object_prototypes,
    overlap,
    refine_prototypes,
    track_objects,
)


def test_prototypes_are_weighted_means():
    torch.manual_seed(0)
    attention, queries = torch.rand(2, 3, 5), torch.randn(2, 5, 4)
    found = object_prototypes(attention, queries)
    for b in range(2):
        for k in range(3):
            total = sum(attention[b, k, n] * queries[b, n] for n in range(5))
            torch.testing.assert_close(found[b, k], total / attention[b, k].sum())


def test_tracks_are_cross_attention():
    torch.manual_seed(0)
    prototypes, keys = torch.randn(2, 3, 4), torch.randn(2, 2, 5, 4)
    found = track_objects(prototypes, keys)
    for b in range(2):
        for t in range(2):
            for k in range(3):
                scores = [(prototypes[b, k] @ keys[b, t, n]) / math.sqrt(4) for n in range(5)]
                expected = torch.stack([s.exp() for s in scores])
                torch.testing.assert_close(found[b, t, k], expected / expected.sum())


def test_moving_blobs_are_found_and_told_apart():
    """Three regions of own directions; the heads all look at the first one most."""
    kinds = torch.tensor([[0, 0, 1, 1, 2, 2], [1, 2, 0, 2, 1, 0]])  # of each patch, two frames
    directions = F.normalize(torch.eye(3, 8) + 0.1, dim=1)
    patches = 8 * directions[kinds][None]  # (1, 2, 6, 8)
    heads = torch.tensor([[5.0, 5, 1, 1, 1, 1], [4, 4, 2, 2, 1, 1], [4, 4, 1, 1, 2, 2]])[None]
    rough = object_prototypes(heads, patches[:, 0])
    refined, plan = refine_prototypes(rough, patches[:, 0], iterations=50)
    torch.testing.assert_close(plan.sum(-1), torch.ones(1, 3))
    before, after = (track_objects(p, patches)[0] for p in (rough, refined))
    assert overlap(after) < 0.05 < overlap(before)
    for frame, kind in zip(after, kinds, strict=True):
        for k in range(3):
            assert frame[k, kind == k].sum() > 0.95


def test_masks_by_hand():
    tracks = torch.tensor([[0.1, 0.2, 0.3, 0.5], [0.2, 0.2, 0.2, 0.2]])
    masks = object_masks(tracks, (2, 2), (2, 2))
    torch.testing.assert_close(masks[0], torch.tensor([[0, 0.25], [0.5, 1]]))
    assert (masks[1] == 1).all()
    torch.testing.assert_close(object_masks(3 * tracks - 1, (2, 2), (2, 2))[0], masks[0])
    large = object_masks(tracks, (1, 4), (4, 16))
    assert large.shape == (2, 4, 16) and large[0].min() == 0 and large[0].max() == 1
    # pixel 4 lies at 0.625 between the first two patches
    torch.testing.assert_close(large[0, 0, 4], torch.tensor(0.625 * 0.25))


def test_overlap_by_hand():
    same = torch.tensor([[0.5, 0.5, 0], [0.5, 0.5, 0]])
    apart = torch.tensor([[0.5, 0.5, 0], [0, 0, 1]])
    half = torch.tensor([[0.5, 0.5, 0], [0.5, 0, 0.5]])
    assert [overlap(t).item() for t in (same, apart, half)] == [1, 0, 0.5]
    assert overlap(torch.stack([same, apart])).item() == 0.5
    assert overlap(same[:1]).item() == 0
