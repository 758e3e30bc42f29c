"""DoRA: its loss by loops, its objects, training on video, resuming, ranks, readouts."""

import math
from pathlib import Path

import pytest
import torch
import torch.multiprocessing as mp
from mmengine.config import Config
from mmengine.hooks import Hook
from mmengine.model import MMDistributedDataParallel
from mmengine.registry import init_default_scope

from poodle_mm.checkpoints import load_part, read_checkpoint
from poodle_mm.datasets import FrameClipSample
from poodle_mm.engine.cpu_ranks import cpu_ranks
from poodle_mm.engine.train import build_runner
from poodle_mm.evaluation.readout import config_file
from poodle_mm.geometry.sinkhorn import sinkhorn
from poodle_mm.registry import MODELS, register_all_modules
from poodle_mm.utils.modules import bare_model
from tests.test_datasets.video_factory import write_video
from tests.test_engine.test_resume import assert_equal_checkpoints

SIZE, PATCH, HEADS, WIDTH, PROTOTYPES = 32, 8, 3, 24, 12
MODEL = dict(
    type='DoRA',
    num_objects=2,
    momentum=0.9,
    teacher_temperature=(0.04, 0.07),
    warmup=0.5,
    backbone=dict(
        type='VisionTransformer',
        arch=dict(embed_dims=WIDTH, num_layers=2, num_heads=HEADS, feedforward_channels=48),
        img_size=SIZE,
        patch_size=PATCH,
        out_type='cls_token',
    ),
    head=dict(
        type='DINOHead',
        in_channels=WIDTH,
        out_channels=PROTOTYPES,
        hid_channels=16,
        bottleneck_channels=8,
    ),
    data_preprocessor=dict(
        type='mmpretrain.SelfSupDataPreprocessor',
        mean=[123.675, 116.28, 103.53],
        std=[58.395, 57.12, 57.375],
    ),
)


def make_model(**kwargs):
    register_all_modules()
    init_default_scope('poodle_mm')
    torch.manual_seed(0)
    model = MODELS.build({**MODEL, **kwargs})
    model.init_weights()
    for parameter in model.teacher['backbone'].parameters():
        parameter.mul_(4)  # attention that is far from even
    model.target.total_steps = 4
    return model


def make_batch(clips: int = 2, global_views: int = 1, local: bool = True) -> dict:
    torch.manual_seed(1)
    views = [torch.randint(256, (clips, 3, 3, SIZE, SIZE)) for _ in range(global_views)]
    if local:
        views.append(torch.randint(256, (clips, 3, 2, 3, 16, 16)))
    samples = [FrameClipSample(metainfo=dict(seed=seed)) for seed in range(clips)]
    return dict(inputs=[view.to(torch.uint8) for view in views], data_samples=samples)


def prepared(model, batch: dict) -> dict:
    return model.data_preprocessor(batch, True)


def last_layer(backbone, image):
    """Queries, keys (heads, tokens, d) of the last layer, and its output, by mmpretrain's parts."""
    inputs = []
    handle = backbone.layers[-1].register_forward_pre_hook(lambda _, args: inputs.append(args[0]))
    token, patches = backbone.tokens(image[None])
    handle.remove()
    layer = backbone.layers[-1]
    q, k, _ = layer.attn.qkv(layer.ln1(inputs[0]))[0].chunk(3, dim=-1)
    split = [x.unflatten(-1, (HEADS, -1)).transpose(0, 1) for x in (q, k)]
    return *split, token[0], patches[0].flatten(1).T


def objects_by_hand(model, clip, heads):
    """Masks (T, K, H, W) of one clip (3 frames), object by object, and the class tokens."""
    layers = [last_layer(model.teacher['backbone'], frame) for frame in clip]
    q, k, _, z = layers[0]
    d = q.shape[-1]
    prototypes = []
    for head in heads:
        attention = (q[head, 0] @ k[head].T / math.sqrt(d)).softmax(-1)[1:]
        queries = q[:, 1:].transpose(0, 1).flatten(1)  # heads side by side
        prototypes.append((attention / attention.sum()) @ queries)
    unit = torch.nn.functional.normalize
    plan = sinkhorn(unit(torch.stack(prototypes), dim=1) @ unit(z, dim=1).T, 0.05, 3)
    masks = torch.empty(len(clip), len(heads), SIZE, SIZE)
    for t, (_, k, _, _) in enumerate(layers):
        keys = k[:, 1:].transpose(0, 1).flatten(1)
        for i in range(len(heads)):
            track = ((plan[i] @ z) @ keys.T / math.sqrt(WIDTH)).softmax(-1)
            small = ((track - track.min()) / (track.max() - track.min())).view(
                1, 1, SIZE // PATCH, SIZE // PATCH
            )
            masks[t, i] = torch.nn.functional.interpolate(small, (SIZE, SIZE), mode='bilinear')
    return masks, torch.stack([token for _, _, token, _ in layers])


@pytest.mark.parametrize('global_views', [1, 2])
def test_losses_by_loops(global_views):
    """Frame by frame, object by object, crop by crop: with two views the other one's teacher."""
    model = make_model(global_views=global_views).eval()
    model.centre.value.normal_(std=0.1)
    centre = model.centre.value.clone()
    batch = prepared(model, make_batch(global_views=global_views))
    *clips, local = batch['inputs']
    found = model(**batch, mode='loss')
    temperature = model.teacher_temperature
    assert temperature == 0.04

    def student(image, target):
        log = (model.head(model.backbone(image[None])[-1])[0] / 0.1).log_softmax(-1)
        return -(target * log).sum()

    masked, cropped, shares = [], [], []
    with torch.no_grad():
        for b, sample in enumerate(batch['data_samples']):
            heads = model._draw_heads([sample], HEADS)[0].tolist()
            seen = [objects_by_hand(model, clip[b], heads) for clip in clips]
            targets = [
                ((model.teacher['head'](tokens) - centre) / temperature).softmax(-1)
                for _, tokens in seen
            ]
            for v, (masks, _) in enumerate(seen):
                shares.append(masks.mean())
                target = targets[v if global_views == 1 else 1 - v]
                for t in range(3):
                    for mask in masks[t]:
                        masked.append(student(clips[v][b, t] * mask, target[t]))
                    for crop in local[b, t]:
                        cropped.append(student(crop, targets[v][t]))
    for name, values in (('masked', masked), ('local', cropped)):
        expected = 0.5 * torch.stack(values).mean()
        torch.testing.assert_close(found[f'loss_{name}'], expected, rtol=1e-4, atol=1e-5)
    torch.testing.assert_close(found['mask_share'], torch.stack(shares).mean())
    assert 0.02 < found['mask_share'] < 0.9 and 0 <= found['object_overlap'] < 0.999
    assert not torch.equal(model.centre.value, centre)


def test_without_local_views_only_the_masked_loss_is_left():
    model = make_model()
    found = model(**prepared(model, make_batch(local=False)), mode='loss')
    assert [name for name in found if 'loss' in name] == ['loss_masked']


def test_tracking_keeps_float32_under_autocast():
    model = make_model().eval()
    batch = prepared(model, make_batch())
    plain = model.track(batch['inputs'][0], batch['data_samples'])[1]
    with torch.autocast('cpu', dtype=torch.bfloat16):
        coarse = model.track(batch['inputs'][0], batch['data_samples'])[1]
        losses = model(**batch, mode='loss')
    assert coarse.dtype == torch.float32 and all(v.isfinite().all() for v in losses.values())
    torch.testing.assert_close(coarse, plain, atol=0.02, rtol=0.2)
    torch.testing.assert_close(coarse.flatten(-2).sum(-1), torch.ones(2, 3, 2))


def test_heads_are_drawn_from_the_clips_seed():
    model = make_model()
    samples = [FrameClipSample(metainfo=dict(seed=seed)) for seed in range(60)]
    together = model._draw_heads(samples, HEADS)
    assert together.shape == (60, 2)
    for sample, heads in zip(samples, together, strict=True):
        assert torch.equal(model._draw_heads([sample], HEADS)[0], heads)
        assert len(set(heads.tolist())) == 2
    assert {tuple(heads.tolist()) for heads in together} == {
        (a, b) for a in range(3) for b in range(3) if a != b
    }


def test_pictures_of_the_objects():
    """As the hook asks for them: of fewer clips than the views are of."""
    model, batch = make_model(), make_batch(3)
    batch['data_samples'] = batch['data_samples'][:2]
    figures = [*model.draw_pairs(batch, 7)]
    assert len(figures) == 2
    assert len([axis for axis in figures[0].axes if axis.images]) == 3 * (1 + 2)
    assert 'after iteration 7' in figures[0].legends[0].get_texts()[0].get_text()


def test_the_teacher_gets_no_gradient_and_the_student_does():
    model = make_model()
    losses = model(**prepared(model, make_batch()), mode='loss')
    (losses['loss_masked'] + losses['loss_local']).backward()
    assert all(p.grad is None for p in model.teacher.parameters())
    without = [n for n, p in model.named_parameters() if p.requires_grad and p.grad is None]
    assert not [name for name in without if not name.startswith('target')]
    hooks = model.teacher['backbone'].layers[-1].attn.qkv._forward_hooks
    assert not hooks


@pytest.mark.parametrize(
    ('wrong', 'message'),
    [
        (dict(num_objects=4), 'num_objects must be 1 to 3, the heads, got 4'),
        (dict(backbone=dict(type='mmpretrain.ResNet', depth=18)), "type='VisionTransformer'"),
    ],
)
def test_wrong_arguments(wrong, message):
    with pytest.raises(ValueError, match=message):
        make_model(**wrong)


class Stop(Hook):
    """Ends a run like Ctrl-C before its second iteration."""

    def before_train_iter(self, runner, batch_idx, data_batch=None) -> None:
        if runner.iter == 1:
            raise KeyboardInterrupt


@pytest.fixture(scope='module')
def videos(tmp_path_factory) -> Path:
    root = tmp_path_factory.mktemp('videos')
    for i in range(4):
        write_video(root / f'{i}.mp4', num_frames=20)
    return root


def recipe(videos: Path, work_dir: Path) -> Config:
    """Two iterations of two clips of three frames."""
    crop = dict(type='RandomResizedCrop', scale=SIZE)
    return Config(
        dict(
            default_scope='poodle_mm',
            model=MODEL,
            work_dir=str(work_dir),
            experiment_name=str(work_dir),
            train_dataloader=dict(
                batch_size=2,
                num_workers=0,
                sampler=dict(type='PairSampler', shuffle=True, infinite=True),
                collate_fn=dict(type='default_collate'),
                dataset=dict(
                    type='FrameClipDataset',
                    data_root=str(videos),
                    index_cache=f'{videos}.index',
                    num_frames=3,
                    spacing=(3, 6),
                    pipeline=[
                        dict(
                            type='ClipViews',
                            clip=[crop],
                            local=[dict(crop, scale=16)],
                            num_locals=2,
                        )
                    ],
                ),
            ),
            train_cfg=dict(type='IterBasedTrainLoop', max_iters=2),
            optim_wrapper=dict(
                type='OptimWrapper', optimizer=dict(type='AdamW', lr=1e-3, weight_decay=0.04)
            ),
            param_scheduler=[dict(type='CosineAnnealingLR', T_max=2, by_epoch=False)],
            custom_hooks=[
                dict(type='TargetUpdateHook'),
                dict(type='PairVisualizationHook', num=1),
            ],
            default_hooks=dict(
                checkpoint=dict(type='AtomicCheckpointHook', interval=1, by_epoch=False),
                logger=dict(type='LoggerHook', interval=1),
                sampler_seed=dict(type='DistSamplerSeedHook'),
                health=dict(type='HealthHook', interval=1),
            ),
            log_processor=dict(by_epoch=False),
            log_level='ERROR',
            visualizer=None,
            randomness=dict(seed=0),
        )
    )


@pytest.fixture(scope='module')
def trained(videos, tmp_path_factory):
    register_all_modules()
    runner = build_runner(recipe(videos, tmp_path_factory.mktemp('through')))
    runner.train()
    return runner


def test_training_logs_what_the_objects_are_like(trained):
    history = trained.message_hub.log_scalars
    for name in ('loss_masked', 'loss_local', 'object_overlap', 'mask_share', 'information'):
        assert math.isfinite(history[f'train/{name}'].current()), name
    assert trained.model.target.step_count == 2
    pictures = Path(trained.work_dir, 'pictures').iterdir()
    assert [path.name for path in pictures] == ['iter_000001_0.png']


def test_resumed_equals_uninterrupted(trained, videos, tmp_path):
    cfg = recipe(videos, tmp_path)
    runner = build_runner(cfg)
    runner.register_hook(Stop())
    with pytest.raises(KeyboardInterrupt):
        runner.train()
    cfg.resume = True
    build_runner(cfg).train()
    assert_equal_checkpoints(Path(trained.work_dir, 'iter_2.pth'), tmp_path / 'iter_2.pth')


def test_readouts_take_the_encoder(repo, trained):
    path = Path(trained.work_dir, 'iter_2.pth')
    found = read_checkpoint(path)
    assert found.backbone['type'].endswith('VisionTransformer')
    encoder = MODELS.build(found.backbone)
    load_part(encoder, path, found.backbone_prefix)
    for name, value in trained.model.backbone.state_dict().items():
        assert torch.equal(encoder.state_dict()[name], value), name
    assert config_file(repo / 'configs' / 'downstream', 'scenes', 'linear', found).is_file()


def losses_and_gradient(model, online, clips: list[int]):
    data = make_batch(4)
    data = dict(
        inputs=[view[clips] for view in data['inputs']],
        data_samples=[data['data_samples'][i] for i in clips],
    )
    losses = model(**prepared(online, data), mode='loss')
    (losses['loss_masked'] + losses['loss_local']).backward()
    gradient = {n: p.grad for n, p in online.named_parameters() if p.grad is not None}
    return losses, gradient, online.centre.value


def worker(rank: int, folder: str) -> None:
    torch.set_num_threads(1)
    torch.distributed.init_process_group(
        'gloo', init_method=f'file://{folder}/rendezvous', rank=rank, world_size=2
    )
    model = make_model().eval()
    wrapped = MMDistributedDataParallel(model, broadcast_buffers=False)
    result = losses_and_gradient(wrapped, model, [2 * rank, 2 * rank + 1])
    torch.save(result, f'{folder}/rank{rank}.pth')
    torch.distributed.destroy_process_group()


@pytest.mark.slow
def test_two_processes_equal_one(tmp_path):
    model = make_model().eval()
    losses, gradient, centre = losses_and_gradient(model, model, [0, 1, 2, 3])
    mp.spawn(worker, args=(str(tmp_path),), nprocs=2)
    parts = [torch.load(tmp_path / f'rank{rank}.pth') for rank in (0, 1)]
    for name in ('loss_masked', 'loss_local'):
        torch.testing.assert_close((parts[0][0][name] + parts[1][0][name]) / 2, losses[name])
    for _, own, moved in parts:
        torch.testing.assert_close(moved, centre)
        for name, expected in gradient.items():
            torch.testing.assert_close(own[name], expected, rtol=1e-4, atol=1e-6)


@pytest.mark.slow
def test_two_processes_train_as_one(videos, tmp_path):
    """Through the Runner, two halves of a batch; SGD shows the gradient."""
    states = []
    for processes in (1, 2):
        cfg = recipe(videos, tmp_path / str(processes))
        cfg.optim_wrapper.optimizer = dict(type='SGD', lr=0.3)
        cfg.custom_hooks.pop()  # pictures
        cfg.train_dataloader.batch_size = 2 // processes
        with cpu_ranks(cfg, processes):
            runner = build_runner(cfg)
            runner.train()
            states.append(bare_model(runner.model).state_dict())
    for name, value in states[0].items():
        torch.testing.assert_close(states[1][name], value, rtol=1e-4, atol=1e-5, msg=name)
