"""Encoder, decoder, heads, pooled path and average against the released code's numbers.

Tolerances are relative norms: what was seen on a CPU, with room for another one's rounding, which
random weights amplify from layer to layer.
"""

import pytest
import torch
from torch.nn import functional as F

from poodle_mm.geometry.affine import warp_affine
from tests.test_parity.conftest import distance
from tests.test_parity.filler import neutral

RECIPES = ('paper', 'release')
# Of (layer2, layer3, layer4), decoder, prediction. The reference drew the views of `affine` with
# another rounding than ours, 1e-4 of a pixel's value.
TOLERANCE = dict(plain=(1e-5, 5e-5, 2e-4, 2e-4, 2e-4), affine=(1e-3,) * 5)


@pytest.fixture
def images(parity, request):
    """The frames, or their affine views drawn by our code."""
    frames = parity['frames']
    return frames if request.param == 'plain' else warp_affine(frames, parity['affine'])


@pytest.mark.parametrize(('images', 'case'), [(c, c) for c in TOLERANCE], indirect=['images'])
@pytest.mark.parametrize('recipe', RECIPES)
def test_encoder(parity, network, images, case, recipe):
    with torch.no_grad():
        maps = network(recipe).backbone(images)
    for ours, name, step, tolerance in zip(
        maps, ('layer2', 'layer3', 'layer4'), (16, 32, 64), TOLERANCE[case]
    ):
        assert distance(ours[:, ::step], parity[f'net_{name}_{case}']) < tolerance


@pytest.mark.parametrize(('images', 'case'), [(c, c) for c in TOLERANCE], indirect=['images'])
def test_decoder_and_prediction(parity, network, images, case):
    model = network('release')
    with torch.no_grad():
        z = model.neck(model.backbone(images))[0]
        prediction = model.dense_head.predict(z)
    assert distance(z[:, ::32], parity[f'net_sdm_{case}']) < TOLERANCE[case][3]
    assert distance(prediction[:, ::8], parity[f'net_prediction_{case}']) < TOLERANCE[case][4]


def test_the_papers_decoder_differs_in_the_order_alone(parity, network):
    """The same weights; the block before the upsampling gives the reference's map."""
    model = network('paper')
    with torch.no_grad():
        maps = model.backbone(parity['frames'])
        z = maps[-1]
        for block, skip in zip(model.neck.blocks, reversed(maps[:-1])):
            assert block.block.upsample_first
            z = super(type(block.block), block.block).forward(z)
            z = F.interpolate(z, scale_factor=2, mode='bilinear') + block.lateral(skip)
    assert distance(z[:, ::32], parity['net_sdm_plain']) < TOLERANCE['plain'][3]


def test_evaluation_mode(parity, network):
    model = network('release').eval()
    with torch.no_grad():
        maps = model.backbone(parity['frames'])
        z = model.neck(maps)[0]
        prediction = model.dense_head.predict(z)
    assert distance(maps[-1][:, ::64], parity['eval_layer4']) < 1e-5
    assert distance(z[:, ::32], parity['eval_sdm']) < 1e-5
    assert distance(prediction[:, ::8], parity['eval_prediction']) < 1e-5


def test_pooled_path(parity, network):
    """Pool, project, predict: one direction's six pairs, each network's statistics its own."""
    model = network('release')
    online, target = parity['subcrops'].split(6)
    part = model.target.module
    with torch.no_grad():
        projection = model.pooled_head.projector(model.backbone(online)[-1])
        prediction = model.pooled_head.predictor(projection)
        goal = part['pooled_projector'](part['backbone'](target)[-1])
        both = torch.stack([prediction, prediction]), torch.stack([goal, goal])
        loss = model.pooled_head.loss(*both)['loss_pool']
    assert distance(goal, parity['pooled_target']) < 3e-4
    assert distance(projection, parity['pooled_projection']) < 3e-4
    assert distance(prediction, parity['pooled_prediction']) < 3e-4
    # Half of the mean over both directions, which are the same here.
    assert loss.item() == pytest.approx(0.5 * parity['pooled_loss'].item(), rel=1e-5)


@pytest.mark.parametrize('recipe', RECIPES)
def test_average_of_weights_and_not_of_statistics(parity, network, recipe):
    model = network(recipe)
    model.target.total_steps = 100  # the momentum of step 0 is the first one
    model.update_target()
    found = {neutral(key): tensor for key, tensor in model.state_dict().items()}
    names = [k.removeprefix('ema_') for k in parity if k.startswith('ema_') and 'buffer' not in k]
    assert names
    for name in names:
        ours = found[f'target.{name}'].flatten()[::4096]
        assert distance(ours, parity[f'ema_{name}']) < 1e-6
    buffer = 'backbone.bn1.running_mean'
    assert torch.equal(found[f'target.{buffer}'], parity[f'ema_buffer_{buffer}'])
