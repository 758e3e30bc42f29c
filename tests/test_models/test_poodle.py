"""The algorithm: losses against a plain version, gradients, checkpoint keys, bad input."""

import pytest
import torch
from torch.nn import functional as F

from poodle_mm.models.heads.projection import collapse_std, projection_mlp
from tests.test_models.tiny import random_views, tiny_config, tiny_model


def test_pooled_loss_against_a_loop():
    model, views = tiny_model(), random_views()
    expected = 0.0
    for direction in (0, 1):
        values = []
        for b in range(2):
            for k in range(3):
                x, y = views['subcrops'][:, direction, b, k]
                q = model.pooled_head.predict(model.backbone(x[None])[-1])[0]
                p = model.target.module['pooled_projector'](
                    model.target.module['backbone'](y[None])[-1]
                )[0]
                values.append(((q / q.norm() - p / p.norm()) ** 2).sum())
        expected = expected + sum(values) / len(values)
    torch.testing.assert_close(model.loss(views)['loss_pool'], expected, rtol=1e-5, atol=1e-6)


def test_pooled_projector_averages_after_projecting():
    head = tiny_model().pooled_head
    feats = torch.randn(2, 64, 3, 2)
    per_location = [head.projector.mlp(feats[:, :, i, j]) for i in range(3) for j in range(2)]
    torch.testing.assert_close(head.projector(feats), sum(per_location) / 6)


def test_pooled_projector_averages_before_projecting():
    cfg = tiny_config()
    cfg['pooled_head']['pool_first'] = True
    projector = tiny_model(**cfg).pooled_head.projector
    feats = torch.randn(2, 64, 3, 2)
    mean = sum(feats[:, :, i, j] for i in range(3) for j in range(2)) / 6
    torch.testing.assert_close(projector(feats), projector.mlp(mean))
    # On a map of one value both orders are the same, elsewhere they are not.
    projector.pool_first = False
    torch.testing.assert_close(
        projector(mean[..., None, None].expand(2, 64, 3, 2)), projector.mlp(mean)
    )
    assert not torch.allclose(projector(feats), projector.mlp(mean), rtol=1e-3)


@pytest.mark.parametrize('head', ['dense_head', 'pooled_head'])
def test_weight_of_a_loss(head):
    cfg = tiny_config()
    cfg[head]['loss_weight'] = 0.25
    name = {'dense_head': 'loss_dense', 'pooled_head': 'loss_pool'}[head]
    quarter, whole = (tiny_model(**c).loss(random_views())[name] for c in (cfg, tiny_config()))
    torch.testing.assert_close(quarter, whole / 4)


def test_dense_loss_against_full_resolution():
    """The two directions, upsampled to every pixel of the crop, normalised, masked, averaged."""
    model, views = tiny_model(), random_views()
    views['visible'][:, :, 10:30, 5:60] = False
    maps = [model.neck(model.backbone(view))[-1] for view in views['dense']]
    target = model.target.module
    with torch.no_grad():
        targets = [
            target['dense_projector'](target['neck'](target['backbone'](view))[-1])
            for view in views['dense']
        ]
    height, width = views['dense'].shape[-2:]
    v, u = torch.meshgrid(torch.arange(height), torch.arange(width), indexing='ij')
    grid = torch.stack([u, v], dim=-1).float()
    expected = 0.0
    for i, j in ((0, 1), (1, 0)):
        points = grid + views['flow'][i].permute(0, 2, 3, 1)
        inside = (points >= 0).all(-1) & (points <= torch.tensor([width - 1, height - 1])).all(-1)

        def read(feats, where):
            norm = (where + 0.5) / torch.tensor([width, height]) * 2 - 1
            read = F.grid_sample(feats, norm, padding_mode='border', align_corners=False)
            return F.normalize(read, dim=1)

        a = read(model.dense_head.predict(maps[i]), grid.expand(2, -1, -1, -1))
        b = read(targets[j], points)
        valid = views['visible'][i] & inside
        error = ((a - b) ** 2).sum(dim=1)
        expected = expected + torch.stack([e[m].mean() for e, m in zip(error, valid)]).mean()
    torch.testing.assert_close(model.loss(views)['loss_dense'], expected, rtol=1e-5, atol=1e-5)


def test_unwarping_on_the_feature_grid():
    """q(A^-1 p): equal where nothing is to be undone; a shift by whole cells moves the maps."""
    cfg = tiny_config()
    cfg['dense_head']['unwarp_first'] = True
    literal, ours, views = tiny_model(**cfg), tiny_model(), random_views()
    torch.testing.assert_close(
        literal.loss(views)['loss_dense'], ours.loss(views)['loss_dense'], rtol=1e-5, atol=1e-5
    )
    head, maps = literal.dense_head, torch.randn(1, 16, 8, 16)
    shift = torch.tensor([[[1.0, 0.0, 16.0], [0.0, 1.0, 8.0]]])  # 2 cells right, 1 down
    moved = head.unwarp(maps, shift, stride=8)
    torch.testing.assert_close(moved[..., :-1, :-2], maps[..., 1:, 2:])
    assert ours.dense_head.unwarp(maps, shift, stride=8) is maps


def test_every_shortcut_off_gives_the_same_step():
    """Decoder, loss and memory format, each by its own switch, against all of them."""
    cfg = tiny_config(channels_last=True)
    views = random_views()
    results = []
    for plain in (False, True):
        if plain:
            cfg['channels_last'] = False
            cfg['neck']['reduce_first'] = False
            cfg['dense_head']['blocked'] = False
        model = tiny_model(**cfg)
        losses = model.loss(views)
        (losses['loss_dense'] + losses['loss_pool']).backward()
        grads = {n: p.grad for n, p in model.named_parameters() if p.grad is not None}
        results.append((losses, grads))
    (quick, quick_grads), (plain, plain_grads) = results
    torch.testing.assert_close(quick, plain, rtol=1e-5, atol=1e-6)
    for name, expected in plain_grads.items():
        scale = expected.abs().max().item()
        torch.testing.assert_close(quick_grads[name], expected, rtol=1e-3, atol=1e-4 * scale)


def test_target_gets_no_gradient_and_every_online_parameter_does():
    model = tiny_model()
    losses = model.loss(random_views())
    (losses['loss_dense'] + losses['loss_pool']).backward()
    assert all(p.grad is None for p in model.target.parameters())
    missing = [n for n, p in model.named_parameters() if p.requires_grad and p.grad is None]
    assert not missing


def test_target_starts_as_a_copy_and_follows():
    model = tiny_model()
    online, target = model._online(), model.target.module
    for (name, a), (other, b) in zip(online.named_parameters(), target.named_parameters()):
        assert name == other and torch.equal(a, b)
    model.target.total_steps = 10
    with torch.no_grad():
        for p in model.parameters():
            if p.requires_grad:
                p.add_(1.0)
    before = target['backbone'].conv1.weight.clone()
    model.update_target()
    torch.testing.assert_close(
        target['backbone'].conv1.weight, before + 0.004 * torch.ones_like(before)
    )


def test_checkpoint_keys():
    keys = tiny_model().state_dict().keys()
    prefixes = {key.split('.')[0] for key in keys}
    assert prefixes == {'backbone', 'neck', 'dense_head', 'pooled_head', 'target'}
    assert 'target.steps' in keys


def test_backbone_keys_are_torchvisions():
    from torchvision.models import resnet50

    from poodle_mm.registry import MODELS

    backbone = MODELS.build(dict(type='mmpretrain.ResNet', depth=50))
    expected = {k for k in resnet50().state_dict() if not k.startswith('fc.')}
    assert set(backbone.state_dict()) == expected


def test_flowe_is_a_config():
    """No decoder and no pooled head: the dense head sits on the dilated encoder, stride 8."""
    backbone = tiny_config()['backbone'] | dict(
        type='poodle_mm.ResNet', out_indices=(3,), strides=(1, 2, 1, 1), dilations=(1, 1, 2, 4)
    )
    model = tiny_model(backbone=backbone, neck=None, pooled_head=None)
    views = random_views()
    losses = model.loss(views)
    assert set(losses) == {'loss_dense', 'valid_share', 'std_dense'}
    assert model.extract_feats(views['dense'][0])[-1].shape == (2, 64, 8, 16)


def test_pooled_only():
    losses = tiny_model(neck=None, dense_head=None).loss(random_views())
    assert set(losses) == {'loss_pool', 'std_pool', 'fallback_share'}


def test_overfits_one_pair():
    """The predictor can learn a fixed pair: both losses fall well below their start."""
    model, views = tiny_model(), random_views(batch=1)
    model.target.total_steps = 10**6
    optimizer = torch.optim.AdamW([p for p in model.parameters() if p.requires_grad], lr=1e-3)
    history = []
    for _ in range(40):
        losses = model.loss(views)
        history.append((losses['loss_dense'].item(), losses['loss_pool'].item()))
        optimizer.zero_grad()
        (losses['loss_dense'] + losses['loss_pool']).backward()
        optimizer.step()
        model.update_target()
    assert history[-1][0] < 0.2 * history[0][0]
    assert history[-1][1] < 0.2 * history[0][1]


def test_channels_last_gives_the_same_losses():
    plain, fast = tiny_model(), tiny_model(channels_last=True)
    assert fast.backbone.conv1.weight.is_contiguous(memory_format=torch.channels_last)
    a, b = plain.loss(random_views()), fast.loss(random_views())
    for key in a:
        torch.testing.assert_close(a[key], b[key], rtol=1e-4, atol=1e-5)


def test_autocast_agrees_with_float32():
    """bf16 autocast: losses stay float32 and within bf16's precision, gradients finite."""
    model, views = tiny_model(), random_views()
    exact = model.loss(views)
    with torch.autocast('cpu', dtype=torch.bfloat16):
        rough = model.loss(views)
    for key in ('loss_dense', 'loss_pool'):
        assert rough[key].dtype == torch.float32
        torch.testing.assert_close(rough[key], exact[key], rtol=0.02, atol=0.02)
    (rough['loss_dense'] + rough['loss_pool']).backward()
    assert all(p.grad.isfinite().all() for p in model.parameters() if p.requires_grad)


@pytest.mark.parametrize(
    ('overrides', 'message'),
    [
        (dict(dense_head=None, pooled_head=None, neck=None), 'dense_head, a pooled_head'),
        (dict(dense_head=None), 'neck feeds the dense head only'),
    ],
)
def test_bad_combinations(overrides, message):
    with pytest.raises(ValueError, match=message):
        tiny_model(**overrides)


def test_collapse_std_is_one_on_the_sphere_and_zero_when_collapsed():
    torch.manual_seed(0)
    assert collapse_std(torch.randn(20000, 64)).item() == pytest.approx(1, abs=0.01)
    assert collapse_std(torch.randn(1, 64).expand(100, 64)).item() == pytest.approx(0, abs=1e-6)


def test_projection_mlp_layout():
    """Two layers with biases, each by its switch; 1x1 convolutions equal linear layers."""
    mlp = projection_mlp(4, 6, 5)
    assert mlp[0].bias is not None and mlp[3].bias is not None
    byol = projection_mlp(4, 6, 5, hidden_bias=False, out_bias=False)
    assert byol[0].bias is None and byol[3].bias is None
    conv = projection_mlp(4, 6, 5, conv=True)
    with torch.no_grad():
        conv[0].weight.copy_(mlp[0].weight[..., None, None])
        conv[0].bias.copy_(mlp[0].bias)
        conv[3].weight.copy_(mlp[3].weight[..., None, None])
        conv[3].bias.copy_(mlp[3].bias)
    x = torch.randn(3, 4, 2, 2)
    flat = mlp(x.permute(0, 2, 3, 1).flatten(0, 2)).view(3, 2, 2, 5).permute(0, 3, 1, 2)
    torch.testing.assert_close(conv(x), flat)


def test_standardised_targets():
    """The loss is that of targets standardised before; the spread is that of the targets given."""
    from poodle_mm.models import DenseFlowHead, StandardisedDenseHead

    views = random_views()
    widths = dict(in_channels=8, hidden_channels=16, out_channels=6)
    head, plain = StandardisedDenseHead(**widths), DenseFlowHead(**widths)
    assert head.state_dict().keys() == plain.state_dict().keys()
    predictions = torch.randn(2, 2, 6, 8, 16)
    targets = 3 + 0.1 * torch.randn(2, 2, 6, 8, 16)
    mean, std = (f(targets.flatten(0, 1), (0, 2, 3)) for f in (torch.mean, torch.std))
    standard = (targets - mean.view(6, 1, 1)) / std.view(6, 1, 1)
    rest = [views[key] for key in ('affine', 'flow', 'visible')]
    found = head.loss(predictions, targets, *rest)
    expected = plain.loss(predictions, standard, *rest)
    torch.testing.assert_close(found['loss_dense'], expected['loss_dense'], rtol=1e-3, atol=0)
    assert found['std_dense'] < 0.2 < 0.9 < expected['std_dense']


@pytest.mark.parametrize('parts', [{}, dict(pooled_head=None), dict(dense_head=None, neck=None)])
def test_numbers_of_pairs_are_what_the_losses_average(parts):
    """Also with an uneven batch; they have no gradient."""
    model, views = tiny_model(**parts), random_views(batch=3)
    views['visible'][:, 0, 20:] = False
    views['fallback'][0, 1, :2] = True
    losses = model.loss(views)
    expected = {'loss_dense', 'loss_pool', 'valid_share', 'fallback_share'} & losses.keys()
    assert set(model.of_pairs) == expected
    for name, values in model.of_pairs.items():
        assert values.shape == (3,) and not values.requires_grad
        torch.testing.assert_close(values.mean(), losses[name].detach())
    if 'valid_share' in expected:
        assert model.of_pairs['valid_share'].argmin() == 0
    if 'fallback_share' in expected:
        torch.testing.assert_close(model.of_pairs['fallback_share'], torch.tensor([0, 1 / 3, 0]))
    single = {name: x[:, :, 1:2] if name == 'subcrops' else x[:, 1:2] for name, x in views.items()}
    model.loss(single)
    for name in expected:  # a pair's own number does not depend on the others
        torch.testing.assert_close(model.of_pairs[name][0], losses_of(model, views)[name][1])


def losses_of(model, views) -> dict:
    """Numbers of the pairs of a batch; the model forgets them again."""
    before = model.of_pairs
    model.loss(views)
    found, model.of_pairs = model.of_pairs, before
    return found
