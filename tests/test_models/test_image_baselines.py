"""Methods on single frames of videos: mmpretrain's BYOL, DenseCL and MAE, and PixPro."""

import math
import shutil
from itertools import islice
from pathlib import Path

import mmpretrain
import pytest
import torch
import torch.nn.functional as F
from mmengine.config import Config
from mmengine.dataset import default_collate
from mmpretrain.registry import MODELS as MMPRETRAIN_MODELS
from torch import Tensor

from poodle_mm.checkpoints import load_part, read_checkpoint
from poodle_mm.engine.cpu_ranks import cpu_ranks
from poodle_mm.evaluation.readout import config_file
from poodle_mm.registry import MODELS
from tests.test_models.image_runs import BATCH, ITERS, Run, by_hand, online, target, train

METHODS = ('byol', 'densecl', 'pixpro', 'mae')
PUBLISHED = dict(
    byol='byol/byol_resnet50_16xb256-coslr-200e_in1k.py',
    densecl='densecl/densecl_resnet50_8xb32-coslr-200e_in1k.py',
)


@pytest.fixture(scope='module', params=METHODS)
def run(request, recipe) -> Run:
    runner, record = train(recipe(request.param))
    keys = list(islice(runner.train_dataloader.sampler, BATCH))
    return Run(request.param, runner, record, keys)


def byol_loss(model, views: list[Tensor], samples: list) -> dict[str, float]:
    """2 (2 - sum of cosines), less its constant 4; the target network is the online one."""
    projected = [online(model)(view)[0] for view in views]
    predicted = [model.head.predictor([p])[0] for p in projected]
    cosines = [F.cosine_similarity(predicted[i], projected[1 - i]).mean() for i in (0, 1)]
    return dict(loss=-2 * sum(cosines).item(), std_pool=spread(projected[1]))


def densecl_loss(model, views: list[Tensor], samples: list) -> dict[str, float]:
    """InfoNCE of whole views and of cells; a cell's positive is the most similar encoder cell."""
    maps = [F.normalize(model.backbone(view)[0].flatten(2), dim=1) for view in views]
    (q, q_grid, _), (k, k_grid, _) = (
        [F.normalize(z, dim=1) for z in online(model)(view)] for view in views
    )

    def info_nce(query: Tensor, key: Tensor, queue: Tensor) -> Tensor:
        logits = torch.cat([(query @ key).view(1), query @ queue]) / 0.2
        return F.cross_entropy(logits[None], torch.zeros(1, dtype=torch.long))

    single = [info_nce(q[n], k[n], model.queue) for n in range(len(q))]
    dense = []
    for n in range(len(q)):
        for cell in range(q_grid.shape[2]):
            match = (maps[0][n, :, cell] @ maps[1][n]).argmax()
            dense.append(info_nce(q_grid[n, :, cell], k_grid[n, :, match], model.queue2))
    parts = dict(loss_single=sum(single) / len(single), loss_dense=sum(dense) / len(dense))
    parts = {name: 0.5 * value.item() for name, value in parts.items()}
    spreads = dict(std_pool=spread(q), std_dense=spread(q_grid.transpose(1, 2).flatten(0, 1)))
    return dict(parts, loss=sum(parts.values()), **spreads)


def spread(vectors: Tensor) -> float:
    """Standard deviation of unit vectors, a channel at a time; 1 evenly over the sphere."""
    unit = [v / v.norm() for v in vectors]
    mean = sum(unit) / len(unit)
    variance = sum((v - mean) ** 2 for v in unit) / len(unit)
    return variance.sqrt().mean().item() * len(mean) ** 0.5


def pixpro_loss(model, views: list[Tensor], samples: list) -> dict[str, float]:
    """Cells less than 0.7 diagonals apart in the frame; the target network is the online one."""
    head, cells = model.dense_head, 4  # 128 pixels at stride 32
    projected = [online(model)[1](online(model)[0](view)[-1]) for view in views]
    values = [F.normalize(head.transform(p), dim=1) for p in projected]

    def places(box, flip) -> list[tuple[float, float]]:
        x0, y0, x1, y1 = box
        u, v = (
            [low + (i + 0.5) * (high - low) / cells for i in range(cells)]
            for low, high in ((x0, x1), (y0, y1))
        )
        u = u[::-1] if flip == 'horizontal' else u
        return [(x, y) for y in v for x in u]

    def diagonal(box) -> float:
        return math.hypot(box[2] - box[0], box[3] - box[1]) / cells

    sums, paired = [], []
    for n, sample in enumerate(samples):
        centres = [places(*view) for view in zip(sample.crop_box, sample.flip_direction)]
        limit = 0.7 * max(diagonal(box) for box in sample.crop_box)
        for a, b in ((0, 1), (1, 0)):
            x, v, k = (p[n].flatten(1).T for p in (projected[a], values[a], projected[b]))
            cosines = []
            for i, here in enumerate(centres[a]):
                weights = [F.cosine_similarity(x[i], x_j, dim=0).clamp(min=0) ** 2 for x_j in x]
                y = sum(w * v_j for w, v_j in zip(weights, v))
                near = [j for j, there in enumerate(centres[b]) if math.dist(here, there) < limit]
                cosines += [F.cosine_similarity(y, k[j], dim=0).item() for j in near]
                paired.append(float(bool(near)))
            sums.append(sum(cosines) / max(len(cosines), 1))
    cells = torch.cat([F.normalize(p, dim=1).flatten(2).transpose(1, 2) for p in projected])
    loss = -2 * sum(sums) / len(samples)
    return dict(
        loss=loss,
        loss_dense=loss,
        positive_share=sum(paired) / len(paired),
        std_dense=spread(cells.flatten(0, 1)),
    )


def mae_loss(model, views: list[Tensor], samples: list) -> dict[str, float]:
    """An image and a patch at a time; the 64 patches of the smallest numbers are seen."""
    encoder, decoder, errors, dropped = model.backbone, model.neck, [], []
    for image, sample in zip(views[0], samples):
        generator = torch.Generator().manual_seed(sample.seed ^ 1)
        order = torch.rand(256, generator=generator).argsort().tolist()
        tokens = encoder.patch_embed(image[None])[0] + encoder.pos_embed[:, 1:]
        x = torch.cat([encoder.cls_token + encoder.pos_embed[:, :1], tokens[:, order[:64]]], dim=1)
        for layer in encoder.layers:
            x = layer(x)
        x = decoder.decoder_embed(encoder.ln1(x))
        y = decoder.mask_token.repeat(1, 257, 1)
        y[:, 0] = x[:, 0]
        for token, place in zip(x[0, 1:], order):
            y[0, place + 1] = token
        y = y + decoder.decoder_pos_embed
        for block in decoder.decoder_blocks:
            y = block(y)
        predicted = decoder.decoder_pred(decoder.decoder_norm(y))[0, 1:]
        for place in order[64:]:
            row, column = 8 * (place // 16), 8 * (place % 16)
            patch = image[:, row : row + 8, column : column + 8].permute(1, 2, 0).flatten()
            patch = (patch - patch.mean()) / (patch.var() + 1e-6).sqrt()
            errors.append((predicted[place] - patch).square().mean().item())
            dropped.append(patch)
    loss = sum(errors) / len(errors)
    spread = torch.stack(dropped).var(dim=0, unbiased=False).mean().item()
    return dict(loss=loss, explained_variance=1 - loss / spread)


LOSSES = dict(byol=byol_loss, densecl=densecl_loss, pixpro=pixpro_loss, mae=mae_loss)


def test_first_loss_by_hand(run):
    """Also that the batch is what the sampler's keys give, whoever draws in between."""
    dataset = run.runner.train_dataloader.dataset
    batch = default_collate([dataset[key] for key in run.keys])
    for view, seen in zip(batch['inputs'], run.record.batches[0]['inputs'], strict=True):
        assert torch.equal(view, seen)
    with torch.no_grad():
        model = run.record.model.train()
        expected = LOSSES[run.method](model, by_hand(batch), batch['data_samples'])
    found = run.record.losses[0]
    assert found.keys() == expected.keys()
    for name, value in expected.items():
        assert found[name] == pytest.approx(value, rel=1e-4), name


def test_weights_move_and_the_target_follows(run):
    """It starts as the first online weights; shares of the second and third are mixed in.

    mmpretrain mixes before an iteration, we after it.
    """
    if run.method == 'mae':
        pytest.skip('no target network')
    model, first = run.runner.model, online(run.record.model).state_dict()
    second, third = run.record.weights
    average = target(model).state_dict()
    cfg = run.runner.cfg.model
    half = (math.cos(math.pi * 1 / ITERS) + 1) / 2
    shares = dict(
        byol=(cfg.get('base_momentum', 0) * half, 0),
        densecl=(cfg.get('momentum'), 0),
        pixpro=(1 - cfg.get('momentum', 0), (1 - cfg.get('momentum', 0)) * half),
    )[run.method]
    names = [name for name, p in online(model).named_parameters() if p.requires_grad]
    assert {'0.conv1.weight', '0.layer4.1.conv2.weight'} < set(names)
    assert any(name.startswith('1.') for name in names)
    for name in names:
        a, b = first[name], second[name]
        expected = a.lerp(b, shares[0]).lerp(third[name], shares[1])
        torch.testing.assert_close(average[name], expected, atol=1e-6, rtol=1e-5)
        if name.endswith('weight'):
            assert not torch.equal(a, b) and not torch.equal(b, third[name]), name
            assert not torch.equal(average[name], a), name


def test_resumed_equals_uninterrupted(run, tmp_path):
    """From the first iteration's checkpoint to the second's, bit by bit."""
    cfg = run.runner.cfg.copy()
    cfg.work_dir = cfg.experiment_name = str(tmp_path)
    cfg.load_from = shutil.copy(run.checkpoint.with_name('iter_1.pth'), tmp_path)
    cfg.resume = True
    _, record = train(cfg)
    assert record.losses == run.record.losses[1:]
    whole, resumed = (
        torch.load(path, weights_only=False)
        for path in (run.checkpoint, tmp_path / run.checkpoint.name)
    )
    assert whole['state_dict'].keys() == resumed['state_dict'].keys()
    for name, value in whole['state_dict'].items():
        assert torch.equal(value, resumed['state_dict'][name]), name


def test_downstream_reads_the_online_encoder(repo, run):
    found = read_checkpoint(run.checkpoint)
    assert found.neck is None  # a projector, not a decoder
    vit = run.method == 'mae'
    assert found.backbone['type'] == f'mmpretrain.{"VisionTransformer" if vit else "ResNet"}'
    expected = run.runner.model.backbone.state_dict()
    encoder = MODELS.build(found.backbone)
    load_part(encoder, run.checkpoint, found.backbone_prefix)
    from poodle_mm.evaluation.segmentation.configs import set_encoder

    encoders = [encoder]
    for readout in ('linear', 'linear-encoder', 'upernet'):
        file = config_file(repo / 'configs' / 'downstream', 'scenes', readout, found)
        assert 'sdm' not in file.name
        cfg = Config.fromfile(file)
        set_encoder(cfg, found)
        encoders.append(MMPRETRAIN_MODELS.build(cfg.model.backbone))
        encoders[-1].init_weights()  # MMEngine's own loading
    for encoder in encoders:
        state = encoder.state_dict()
        # a readout's norm of the last map, where the encoder has it
        assert state.keys() | {'ln1.weight', 'ln1.bias'} >= expected.keys() >= state.keys()
        for name, value in state.items():
            assert torch.equal(value, expected[name]), name
    if run.method == 'pixpro':  # whose target network has our names
        ema = read_checkpoint(run.checkpoint, 'ema')
        load_part(encoder, run.checkpoint, ema.backbone_prefix)
        followed = run.runner.model.target.module['backbone'].conv1.weight
        assert torch.equal(encoder.conv1.weight, followed)
        assert not torch.equal(followed, expected['conv1.weight'])
        return
    with pytest.raises(ValueError, match='online weights'):
        read_checkpoint(run.checkpoint, 'ema')


@pytest.mark.parametrize('method', ['byol', 'mae'])
def test_half_a_pretrained_encoder_is_refused(recipe, tmp_path, method):
    """Also where the method's class, or its encoder's, is another package's."""
    cfg = recipe(method)
    state = MODELS.build(dict(cfg.model.backbone)).state_dict()
    name = [key for key in state if key.endswith('weight')][-1]
    torch.save({f'backbone.{k}': v for k, v in state.items() if k != name}, tmp_path / 'half.pth')
    cfg.model.backbone.init_cfg = dict(
        type='Pretrained', checkpoint=str(tmp_path / 'half.pth'), prefix='backbone.'
    )
    with pytest.raises(ValueError, match=name):
        train(cfg)


def bare(cfg):
    """A model's config without scopes and norms, which the base configs change on purpose."""
    if isinstance(cfg, dict):
        dropped = ('norm_cfg', 'data_preprocessor', 'out_indices')
        return {key: bare(value) for key, value in cfg.items() if key not in dropped}
    return cfg.removeprefix('mmpretrain.') if isinstance(cfg, str) else cfg


@pytest.mark.parametrize('method', PUBLISHED)
def test_large_models_are_mmpretrains(repo, method):
    configs = Path(mmpretrain.__file__).parent / '.mim' / 'configs'
    published = Config.fromfile(configs / PUBLISHED[method])
    ours = Config.fromfile(repo / 'configs' / '_base_' / 'models' / f'{method}_r50.py')
    assert bare(ours.model.to_dict()) == bare(published.model.to_dict())
    model = MODELS.build(ours.model)
    assert type(model).__module__.startswith('mmpretrain.')
    preprocessor = dict(published.data_preprocessor)
    assert preprocessor.pop('type') == type(model.data_preprocessor).__name__
    preprocessor['type'] = 'mmpretrain.SelfSupDataPreprocessor'
    assert ours.model.data_preprocessor == preprocessor


@pytest.mark.slow
@pytest.mark.parametrize('method', METHODS)
def test_two_processes(recipe, method):
    """On CPUs with gloo: the queue takes the keys of both, and the losses stay finite."""
    cfg = recipe(method)
    with cpu_ranks(cfg, 2):
        runner, record = train(cfg)
    assert len(record.losses) == ITERS
    assert all(math.isfinite(value) for loss in record.losses for value in loss.values())
    if method == 'densecl':
        assert runner.model.module.queue_ptr.item() == ITERS * 2 * BATCH
