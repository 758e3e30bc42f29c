"""Dense loss and masks against the released code's numbers.

The released code chains its interpolations (upsample, un-warp, warp by the flow), warps with a
half-pixel stretch (positions normalised by W - 1 for a sampler whose -1 and 1 are the outer edges)
and, with an affine, applies the flow in view coordinates. Written down here with the affine undone
first, that chain reproduces the reference's own numbers; ours is one look-up and stays near it.
"""

import pytest
import torch
from torch import Tensor
from torch.nn import functional as F

from poodle_mm.geometry.affine import apply_affine, invert_affine
from poodle_mm.geometry.equivariance import flow_equivariance_loss
from poodle_mm.geometry.occlusion import visible_mask
from poodle_mm.geometry.warp import inside, pixel_grid
from tests.test_parity.conftest import bits, distance, flows
from tests.test_parity.filler import neutral

SIZE = (64, 128)
GRID = pixel_grid(SIZE)[None]
FLOWS = ('zero', 'const', 'smooth')
IDENTITY = torch.eye(2, 3).repeat(2, 1, 1)


def visible(flow: Tensor) -> Tensor:
    return torch.cat([visible_mask(flow[:1], flow[1:]), visible_mask(flow[1:], flow[:1])])


def valid_pixels(flow: Tensor, affine: Tensor) -> Tensor:
    """Ours: seen in the other frame, and inside both views at x and at y."""
    y = GRID + flow.movedim(1, -1)
    both = inside(apply_affine(affine, GRID), SIZE) & inside(apply_affine(affine.flip(0), y), SIZE)
    return visible(flow) & both


def chained_loss(
    online: Tensor, target: Tensor, affine: Tensor, flow: Tensor, valid: Tensor
) -> Tensor:
    """The chain at full resolution, mean over the valid pixels and over both directions."""

    def read(maps: Tensor, points: Tensor, stretched: bool) -> Tensor:
        extent = points.new_tensor(SIZE[::-1])
        grid = 2 * points / (extent - 1) - 1 if stretched else (2 * points + 1) / extent - 1
        return F.grid_sample(maps, grid.expand(len(maps), -1, -1, -1), align_corners=False)

    online, target = (F.interpolate(x, SIZE, mode='bilinear') for x in (online, target.flip(0)))
    if not torch.equal(affine, IDENTITY):
        online = read(online, apply_affine(affine, GRID), stretched=False)
        target = read(target, apply_affine(affine.flip(0), GRID), stretched=False)
    target = read(target, GRID + flow.movedim(1, -1), stretched=True)
    distances = 2 - 2 * F.cosine_similarity(online, target, dim=1)
    return ((distances * valid).sum((1, 2)) / valid.sum((1, 2))).mean()


@pytest.mark.parametrize('name', FLOWS)
def test_visible_masks(parity, name):
    """Lands inside and passes the forward-backward check: equal in each pixel."""
    assert torch.equal(visible(flows(parity)[name]), bits(parity[f'visible_{name}']))


@pytest.mark.parametrize('name', FLOWS)
def test_final_masks(parity, name):
    """Without an affine equal; with one theirs asks at x where ours asks at y (up to 5 %)."""
    flow = flows(parity)[name]
    assert torch.equal(valid_pixels(flow, IDENTITY), bits(parity[f'mask_{name}_plain']))
    other = valid_pixels(flow, parity['affine']) ^ bits(parity[f'mask_{name}_affine'])
    assert other.float().mean() <= (0 if name == 'zero' else 0.05)


def scene_maps(parity, name: str, affine: Tensor) -> tuple[Tensor, Tensor]:
    """Maps of a known plane in both views at stride 8, and the flows of its motion."""
    motion = parity[f'motion_{name}'][None]
    back = invert_affine(motion)
    flow = torch.cat([(apply_affine(m, GRID) - GRID).movedim(-1, 1) for m in (motion, back)])
    cells = (pixel_grid((SIZE[0] // 8, SIZE[1] // 8)) * 8 + 3.5)[None]
    first, second = invert_affine(affine).split(1)
    points = torch.cat(
        [apply_affine(first, cells), apply_affine(back, apply_affine(second, cells))]
    )
    phase = points[..., :1] * parity['scene_a'] + points[..., 1:] * parity['scene_b']
    return torch.cos(phase + parity['scene_phase']).movedim(-1, 1), flow


@pytest.mark.parametrize('name', ['zero', 'const', 'zoom'])
@pytest.mark.parametrize('case', ['plain', 'affine'])
def test_loss_of_a_scene_that_features_follow(parity, name, case):
    """Nearly 0 for a right loss. The chain gives the reference's number, ours is no worse."""
    affine = parity['affine'] if case == 'affine' else IDENTITY
    maps, flow = scene_maps(parity, name, affine)
    valid = valid_pixels(flow, affine)
    order = '' if case == 'plain' else '_unaffine_first'
    theirs = parity[f'scene_dense_loss_{name}_{case}{order}_our_mask'].item()
    assert chained_loss(maps, maps, affine, flow, valid).item() == pytest.approx(theirs, abs=2e-5)
    ours = flow_equivariance_loss(
        maps, maps.flip(0), affine, affine.flip(0), flow, visible(flow), stride=8
    )
    assert theirs - 1e-3 < ours.loss.item() < theirs
    torch.testing.assert_close(ours.valid_share, valid.float().mean((1, 2)))
    if case == 'affine' and name != 'zero':  # as released: the flow in view coordinates
        released = parity[f'scene_dense_loss_{name}_affine_our_mask'].item()
        assert released > 6 * theirs


@pytest.fixture(scope='module')
def maps(parity, network):
    """Predictions and targets of the release recipe on the frames, without affine."""
    model, frames = network('release'), parity['frames']
    part = model.target.module
    with torch.no_grad():
        target = part['dense_projector'](part['neck'](part['backbone'](frames))[0])
    prediction = model.dense_head.predict(model.neck(model.backbone(frames))[0])
    return model, prediction, target


@pytest.mark.parametrize('name', FLOWS)
def test_loss_of_the_network(parity, maps, name):
    """The chain gives their loss; ours differs by the look-up. Released weight: half the mean."""
    model, prediction, target = maps
    flow = flows(parity)[name]
    theirs = parity[f'net_dense_loss_{name}_plain'].item()
    valid = valid_pixels(flow, IDENTITY)
    with torch.no_grad():
        chain = chained_loss(prediction, target, IDENTITY, flow, valid)
        ours = model.dense_head.loss(
            *(x.unflatten(0, (2, 1)) for x in (prediction, target, IDENTITY, flow, visible(flow)))
        )['loss_dense']
    assert chain.item() == pytest.approx(theirs, rel=1e-5)
    assert ours.item() == pytest.approx(0.5 * theirs, rel=5e-4)


def test_gradients(parity, maps):
    """Of the smooth flow's loss: the chain's are theirs up to rounding, ours up to its look-up."""
    model, prediction, target = maps
    flow = parity['flow_smooth']
    by_name = {neutral(name): p for name, p in model.named_parameters()}
    names = [k.removeprefix('grad_') for k in parity if k.startswith('grad_') and 'norm' not in k]
    assert len(names) == 5
    ours = flow_equivariance_loss(
        prediction, target.flip(0), IDENTITY, IDENTITY, flow, visible(flow), stride=8
    ).loss
    chain = chained_loss(prediction, target, IDENTITY, flow, valid_pixels(flow, IDENTITY))
    for loss, tolerance, of_norm in ((chain, 0.01, 1e-3), (ours, 0.06, 0.01)):
        grads = torch.autograd.grad(loss, [by_name[name] for name in names], retain_graph=True)
        for name, grad in zip(names, grads):
            sample = grad.flatten()[:: max(1, grad.numel() // 256)]
            assert distance(sample, parity[f'grad_{name}']) < tolerance, name
            norm = parity[f'grad_norm_{name}'].item()
            assert grad.norm().item() == pytest.approx(norm, rel=of_norm), name
