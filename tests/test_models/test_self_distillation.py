"""DINO and iBOT trained for a few iterations on videos, at tiny size, from their configs."""

import copy
import math
import re
from pathlib import Path

import pytest
import torch
from mmcv.cnn.bricks import DropPath
from mmengine.config import Config
from mmengine.dataset import default_collate
from mmengine.hooks import Hook
from mmengine.model import is_model_wrapper
from mmpretrain.structures import DataSample

from poodle_mm.checkpoints import load_part, read_checkpoint
from poodle_mm.engine.cpu_ranks import cpu_ranks
from poodle_mm.engine.train import build_runner, training_config
from poodle_mm.evaluation.readout import config_file
from poodle_mm.registry import MODELS
from tests.test_datasets.video_factory import write_video
from tests.test_geometry.test_self_distillation import naive_cross_entropy

METHODS = ('dino_r18', 'dino_vit-xs8', 'ibot_vit-xs8')
TEMPERATURES = {
    'dino_r18': (0.04, 0.04),
    'dino_vit-xs8': (0.04, 0.04),
    'ibot_vit-xs8': (0.04, 0.04),
}
KEYS = {
    'model', 'train_dataloader', 'train_cfg', 'optim_wrapper', 'param_scheduler', 'default_hooks',
    'custom_hooks', 'default_scope', 'env_cfg', 'log_processor', 'log_level', 'randomness',
    'work_dir', 'experiment_name', 'resume', 'load_from', 'launcher',
}  # fmt: skip


class Record(Hook):
    """The model, and what it was given and what it lost, before each step."""

    def __init__(self) -> None:
        self.models, self.batches, self.losses = [], [], []

    def before_train_iter(self, runner, batch_idx, data_batch=None) -> None:
        if not is_model_wrapper(runner.model):
            self.models.append(copy.deepcopy(runner.model))

    def after_train_iter(self, runner, batch_idx, data_batch=None, outputs=None) -> None:
        self.batches.append(data_batch)
        self.losses.append({name: value.item() for name, value in outputs.items()})


@pytest.fixture(scope='module')
def videos(tmp_path_factory) -> Path:
    root = tmp_path_factory.mktemp('videos')
    for i in range(4):
        write_video(root / f'{i}.mp4', num_frames=20)
    return root


@pytest.fixture(scope='module')
def tiny(repo, videos, tmp_path_factory):
    """A function that reads a method's small config and makes it smaller."""

    def read(method: str, iters: int = 2, batch: int = 3, **options) -> Config:
        folder = tmp_path_factory.mktemp(method)
        name = f'configs/{method.split("_")[0]}/{method}_scenes_128x128.py'
        options = {'default_hooks.checkpoint.interval': 2, **options}
        cfg = training_config(repo / name, str(folder), cfg_options=options, iters=iters)
        cfg.experiment_name = str(folder)
        cfg.log_level = 'ERROR'
        loader = cfg.train_dataloader
        loader.update(batch_size=batch, num_workers=0, persistent_workers=False)
        loader.dataset.update(
            data_root=str(videos), data_prefix=dict(path=''), delta=(3, 8), delta_unit='frames',
            index_cache=str(videos / 'index'),
        )  # fmt: skip
        views, *rest = loader.dataset.pipeline
        views.pipelines = [view[:2] for view in views.pipelines[:4]]  # crop and flip
        for i, view in enumerate(views.pipelines):
            view[0].scale = 64 if i < 2 else 32
        if len(rest) == 2:
            rest[0].update(size=(8, 8), min_patches=2)
        cfg.model.head.update(out_channels=16, hid_channels=8, bottleneck_channels=4)
        if 'vit' in method:
            arch = dict(embed_dims=24, num_layers=2, num_heads=2, feedforward_channels=24)
            cfg.model.backbone.update(arch=arch, img_size=64, drop_path_rate=0.0)
            cfg.model.head.in_channels = 24
        else:
            cfg.model.backbone.update(stem_channels=8, base_channels=8)
            cfg.model.head.in_channels = 64
        for key in set(cfg) - KEYS:  # MMEngine formats each of them in seconds
            cfg.pop(key)
        # Of a warm-up of a step nothing would move.
        cfg.param_scheduler = [s for s in cfg.param_scheduler if s.type.endswith('WeightDecay')]
        return cfg

    return read


def train(cfg: Config):
    runner, record = build_runner(cfg), Record()
    runner.register_hook(record, priority='VERY_LOW')
    runner.train()
    return runner, record


@pytest.fixture(scope='module', params=METHODS)
def run(request, tiny):
    return request.param, *train(tiny(request.param))


def class_vectors(backbone, views, mask=None):
    """Of each view by itself."""
    vectors = [
        backbone(v)[-1] if mask is None or i > 1 else backbone(v, mask[:, i])[-1]
        for i, v in enumerate(views)
    ]
    return [v.mean(dim=(2, 3)) if v.ndim == 4 else v for v in vectors]


def expected_losses(model, batch: dict, teacher_temperature: float) -> dict[str, float]:
    """By loops over views, images and patches, each view passed through the network alone."""
    data = model.data_preprocessor(copy.deepcopy(batch), True)
    views, samples = data['inputs'], data['data_samples']
    mask = torch.stack([s.mask for s in samples]) if 'mask' in samples[0] else None

    def naive(teacher, student, centre):
        return naive_cross_entropy(teacher, student, centre, cold=teacher_temperature)

    with torch.no_grad():
        teacher_net = model.target.module
        teacher = [
            teacher_net['head'](v) for v in class_vectors(teacher_net['backbone'], views[:2])
        ]
        student = [model.head(v) for v in class_vectors(model.backbone, views, mask)]
        centre = model.centre.value
        terms = [
            naive(teacher[t][n], student[v][n], centre)
            for t in range(2)
            for v in range(len(views))
            for n in range(len(views[0]))
            if t != v
        ]
        losses = {'loss' if mask is None else 'loss_class': sum(terms) / len(terms)}
        if mask is not None:
            images = []
            for i in range(2):
                _, seen = teacher_net['backbone'].tokens(views[i])
                _, guessed = model.backbone.tokens(views[i], mask[:, i])
                for n in range(len(views[0])):
                    patches = [
                        naive(
                            teacher_net['head'](seen[n, :, row, column]),
                            model.head(guessed[n, :, row, column]),
                            model.patch_centre.value,
                        )
                        for row, column in mask[n, i].nonzero().tolist()
                    ]
                    images.append(sum(patches) / max(1, len(patches)))
            losses['loss_patch'] = sum(images) / len(images)
    return losses


def test_losses_by_loops(run):
    """Of the second iteration, when the teacher is another network and the centres are not 0."""
    method, _, record = run
    model = record.models[1]
    model.eval()  # batch norm, which only the ResNet has, would mix the views
    assert model.centre.value.abs().max() > 0
    before, after = TEMPERATURES[method]
    assert record.models[0].teacher_temperature == pytest.approx(before)
    # a tenth of the schedule is the ViTs' warm-up, and half of it is over
    assert record.losses[1]['teacher_temperature'] == pytest.approx(after)
    expected = expected_losses(model, record.batches[1], after)
    found = record.losses[1]
    if method == 'dino_r18':
        data = model.data_preprocessor(copy.deepcopy(record.batches[1]), True)
        found = {name: value.item() for name, value in model.loss(data['inputs']).items()}
    for name, value in expected.items():
        assert found[name] == pytest.approx(value, rel=1e-4), name
    assert found['loss'] == pytest.approx(sum(expected.values()), rel=1e-4)


def test_what_moves(run):
    """Prototypes from the second step on, the teacher by its momentum, the centre by a tenth."""
    method, runner, record = run
    first, second, third = *record.models, runner.model
    prototypes = [
        m.head.last_layer.parametrizations.weight.original1 for m in (first, second, third)
    ]
    assert torch.equal(prototypes[0], prototypes[1]) and not torch.equal(*prototypes[1:])
    names = [
        n for n, p in first.named_parameters() if p.requires_grad and not n.startswith('head.last')
    ]
    state = [m.state_dict() for m in (first, second, third)]
    for name in names:
        assert not torch.equal(state[1][name], state[2][name]), name
    momentum = 1 - 0.02 * (math.cos(math.pi * 0.5) + 1) / 2
    for name, value in third.target.module.named_parameters():
        average = momentum * state[1][f'target.module.{name}'] + (1 - momentum) * state[2][name]
        torch.testing.assert_close(value, average, atol=1e-6, rtol=1e-5)
    with torch.no_grad():
        views = first.data_preprocessor(copy.deepcopy(record.batches[0]), True)['inputs'][:2]
        teacher = first.train().target.module
        outputs = teacher['head'](torch.cat([*class_vectors(teacher['backbone'], views)]))
    if method != 'dino_r18':
        torch.testing.assert_close(second.centre.value, 0.1 * outputs.mean(dim=0))
    assert all(0 <= record.losses[1][k] <= 1 for k in ('teacher_entropy', 'student_entropy'))
    groups = runner.optim_wrapper.optimizer.param_groups
    assert groups[0]['weight_decay'] == 0  # biases and norms, for the whole schedule
    assert groups[1]['weight_decay'] == pytest.approx(0.22)  # half-way from 0.04 to 0.4


def test_downstream_reads_student_and_teacher(repo, run):
    method, runner, _ = run
    path = Path(runner.work_dir, 'iter_2.pth')
    for weights, module in (('online', runner.model), ('ema', runner.model.target.module)):
        found = read_checkpoint(path, weights)
        backbone = module.backbone if weights == 'online' else module['backbone']
        assert found.neck is None and found.backbone['type'].startswith(('mmpretrain', 'poodle_mm'))
        file = config_file(repo / 'configs' / 'downstream', 'scenes', 'linear', found)
        assert file.stem == ('linear_vit-s16_scenes' if 'vit' in method else 'linear_r50-d8_scenes')
        encoder = MODELS.build(found.backbone)
        load_part(encoder, path, found.backbone_prefix)
        expected = {k: v for k, v in backbone.state_dict().items() if k != 'mask_token'}
        assert encoder.state_dict().keys() == expected.keys()
        for name, value in encoder.state_dict().items():
            assert torch.equal(value, expected[name]), name


@pytest.mark.parametrize('method', ['dino_r18', 'ibot_vit-xs8'])
def test_resumes_exactly(tiny, method):
    """Centres, temperature, weight decay and the frozen part among them."""
    options = {'model.warmup': 1.0, 'model.teacher_temperature': (0.04, 0.07)}
    through, record = train(tiny(method, iters=4, **options))
    cfg = tiny(method, iters=4, **options)
    cfg.resume, cfg.load_from = True, str(Path(through.work_dir, 'iter_2.pth'))
    resumed, again = train(cfg)
    assert again.losses == record.losses[2:]
    assert again.losses[1]['teacher_temperature'] == pytest.approx(0.04 + 0.03 * 3 / 4)
    for name, value in through.model.state_dict().items():
        assert torch.equal(value, resumed.model.state_dict()[name]), name
    groups = [r.optim_wrapper.optimizer.param_groups[1]['weight_decay'] for r in (through, resumed)]
    assert groups[0] == groups[1] > 0.04


@pytest.mark.slow
@pytest.mark.parametrize('method', ['dino_vit-xs8', 'ibot_vit-xs8'])
def test_two_processes_equal_one(tiny, method):
    """Without batch statistics two halves of a batch are the whole; SGD shows the gradient."""
    sgd = {'optim_wrapper.optimizer': dict(_delete_=True, type='SGD', lr=0.3)}
    one, _ = train(tiny(method, batch=4, **sgd))
    cfg = tiny(method, batch=2, **sgd)
    with cpu_ranks(cfg, 2):
        two, record = train(cfg)
    assert len(record.losses) == 2
    state = two.model.module.state_dict()
    for name, value in one.model.state_dict().items():
        torch.testing.assert_close(state[name], value, rtol=1e-4, atol=1e-5, msg=name)


def test_teacher_drops_no_path(repo):
    cfg = Config.fromfile(repo / 'configs/dino/dino_vit-s16_bdd_224x224_300e.py').model
    cfg.backbone.arch = dict(embed_dims=24, num_layers=3, num_heads=2, feedforward_channels=24)
    cfg.head.update(in_channels=24, out_channels=16, hid_channels=8)
    model = MODELS.build(cfg)
    for network, dropping in ((model.backbone, True), (model.target.module, False)):
        drops = [m.drop_prob for m in network.modules() if isinstance(m, DropPath)]
        assert drops and any(drops) == dropping


@pytest.mark.parametrize(
    ('shape', 'hint'),
    [(None, 'views=2'), ((1, 4, 4), 'views=2'), ((2, 5, 5), '(4, 4)'), ((2, 2, 8), '(4, 4)')],
)
def test_masks_that_do_not_fit_the_views(shape, hint):
    arch = dict(embed_dims=16, num_layers=1, num_heads=1, feedforward_channels=16)
    vit = dict(arch=arch, img_size=32, patch_size=8, out_type='cls_token', use_mask_token=True)
    head = dict(in_channels=16, out_channels=4, hid_channels=4, bottleneck_channels=4)
    model = MODELS.build(
        dict(
            type='IBOT',
            backbone=dict(type='poodle_mm.VisionTransformer', **vit),
            head=dict(type='DINOHead', **head),
        )
    )
    samples = [DataSample() for _ in range(3)]
    for sample in samples if shape else ():
        sample.mask = torch.ones(shape, dtype=torch.bool)
    with pytest.raises(ValueError, match=f'BlockMasks.*{re.escape(hint)}'):
        model([torch.zeros(3, 3, 32, 32)] * 2, samples)


def test_masks_depend_on_the_key_alone(tiny):
    """Blocks of the share that is drawn, one a view; half of the views have none."""
    dataset = build_runner(tiny('ibot_vit-xs8')).train_dataloader.dataset
    torch.manual_seed(5)
    first = default_collate([dataset[epoch, 1] for epoch in range(8)])
    again = default_collate([dataset[epoch, 1] for epoch in range(8)])
    masks = torch.stack([s.mask for s in first['data_samples']])
    assert torch.equal(masks, torch.stack([s.mask for s in again['data_samples']]))
    assert masks.dtype == torch.bool and masks.shape == (8, 2, 8, 8)
    shares = masks.flatten(2).float().mean(dim=2).flatten()
    drawn = shares[shares > 0]
    assert 4 <= len(drawn) <= 12 and drawn.min() >= 6 / 64 and drawn.max() <= 0.5
    assert len(drawn.unique()) > 2
