"""The ablations' configs have the parts that the paper ticks and differ in nothing else."""

import shutil

import pytest
import torch
from mmengine.config import Config
from mmengine.runner import Runner

from poodle_mm.checkpoints import load_part, read_checkpoint
from poodle_mm.engine.config import load_config
from poodle_mm.engine.schedule import epochs_of_a_pass, repeats_of
from poodle_mm.experiments.ablations.budget import pairs_per_step
from poodle_mm.experiments.ablations.settings import DATA
from poodle_mm.registry import MODELS
from poodle_mm.views.affine_views import RandomAffine
from tests.test_configs.tiny_steps import tiny_images, train_two_steps

# Table 4 as printed: dense, pool, top-down blocks, laterals; without the last two the encoder is
# dilated. Pooled-only is Figure 5c's.
TICKS = {
    'flowe': (True, False, False, False),
    'dilated': (True, True, False, False),
    'no-laterals': (True, True, True, False),
    'no-blocks': (True, True, False, True),
    'dense-only': (True, False, True, True),
    'uflow': (True, True, True, True),
    'poodle': (True, True, True, True),
    'pooled-only': (False, True, False, False),
}
CONFIGS = [
    (folder, method)
    for folder in DATA
    for method in TICKS
    if not folder.endswith('-cells')
    and (folder, method) not in (('scenes-exact', 'uflow'), ('camvid-large', 'uflow'))
]
SHORT_SIDES = {'camvid': 192, 'bdd100k': 1080, 'scenes-cells': 540, 'camvid-cells': 270}
SHORT_SIDES['camvid-large'] = 540
CELLS = [folder for folder in DATA if folder.endswith('-cells')]


def load(repo, folder: str, method: str) -> Config:
    return load_config(*DATA[folder].config(repo / 'configs', method))


def shrunk(cfg: Config) -> Config:
    """The same parts with an eighth or less of the width, on crops of 64 x 128."""
    model = cfg.model
    model.backbone.update(stem_channels=8, base_channels=8)
    last = 8 * (32 if model.backbone.depth == 50 else 8)
    if model.get('neck'):
        model.neck.in_channels = [last // 4, last // 2, last]
    for head in ('dense_head', 'pooled_head'):
        if model.get(head):
            model[head].update(in_channels=last, hidden_channels=16, out_channels=8)
    if model.data_preprocessor.get('subcrops'):
        model.data_preprocessor.subcrops.size = 32
    return cfg


@pytest.mark.parametrize(('folder', 'method'), CONFIGS)
def test_parts_are_those_the_paper_ticks(repo, folder, method):
    cfg = load(repo, folder, method)
    dense, pool, blocks, laterals = TICKS[method]
    if method == 'uflow':
        cfg.model.data_preprocessor.flow.weights = 'any.pth'
    model = MODELS.build(shrunk(cfg).model)
    assert (model.dense_head is not None, model.pooled_head is not None) == (dense, pool)
    assert (model.data_preprocessor.num_subcrops > 0) == pool
    found = model.neck.blocks if model.neck else []
    assert len(found) == (2 if blocks or laterals else 0)
    for block in found:
        assert (block.block is not None) == blocks
        assert (block.lateral is not None) == laterals
    # Without top-down blocks the dense objective needs stride 8 from the encoder; else it has 32.
    stride = 8 if dense and not blocks else 32
    maps = model.backbone(torch.zeros(2, 3, 64, 128))
    assert maps[-1].shape[-2:] == (64 // stride, 128 // stride)
    if stride == 8:
        assert type(model.backbone).__module__ == 'poodle_mm.models.backbones.resnet'
        assert {m.shape[-2:] for m in maps} == {
            (8, 16)
        }  # so that row 4's decoder upsamples nothing
    if model.neck:
        assert model.neck(maps)[-1].shape[-2:] == (8, 16)


@pytest.mark.parametrize('method', [method for method in TICKS if method != 'uflow'])
@pytest.mark.parametrize('folder', CELLS)
def test_cells_are_as_many_as_the_papers(repo, folder, method):
    """256x512 at stride 32 has 8x16 cells, at stride 8 32x64, a subcrop of 192 has 6x6."""
    cfg = shrunk(load(repo, folder, method))
    size = _crop(cfg).size
    if cfg.model.get('pooled_head'):
        assert cfg.model.data_preprocessor.subcrops.num == 6
        cfg.model.data_preprocessor.subcrops.size = 96
    model = MODELS.build(cfg.model).eval()
    dense, _, blocks, _ = TICKS[method]
    maps = model.backbone(torch.zeros(1, 3, *size))
    assert maps[-1].shape[-2:] == ((32, 64) if dense and not blocks else (8, 16))
    if model.neck:
        assert model.neck(maps)[-1].shape[-2:] == (32, 64)
    if blocks:
        assert model.backbone(torch.zeros(1, 3, 96, 96))[-1].shape[-2:] == (6, 6)


@pytest.mark.parametrize('folder', [*CELLS, 'camvid-large'])
def test_crops_cover_as_much_as_the_papers(repo, folder):
    """Rows of the frame under a crop: the paper's of 720, and as many where frames have 360."""
    crops = [_crop(load(repo, name, 'poodle')) for name in ('bdd100k', folder)]
    rows = dict(zip(('bdd100k', folder), (720, 720 if folder == 'scenes-cells' else 360)))
    covered = [
        [crop.size[0] * rows[name] / (crop.get('short_side', 1080) * s) for s in crop.scale]
        for name, crop in zip(rows, crops)
    ]
    assert covered[1] == pytest.approx(covered[0])


@pytest.mark.parametrize('folder', CELLS)
def test_shifted_rows_differ_by_their_views_alone(repo, folder):
    """``--study position``: the same config but for the affine, which is none without."""
    for method in ('flowe', 'dense-only', 'poodle'):
        plain, shifted = load(repo, folder, method), load(repo, folder, f'{method}-shifted')
        views = [cfg.model.data_preprocessor.pop('affine') for cfg in (plain, shifted)]
        assert plain.to_dict() == shifted.to_dict()
        still, moving = (RandomAffine(**affine) for affine in views)
        assert still.is_identity and not moving.is_identity
        assert (moving.scale, moving.angle) == (still.scale, still.angle) == ((1, 1), (0, 0))
        assert (moving.flip_prob, moving.translate) == (0.5, 0.25)


@pytest.mark.parametrize('method', ['flowe', 'poodle'])
@pytest.mark.parametrize('folder', CELLS)
def test_reflected_rows_differ_by_their_borders_alone(repo, folder, method):
    """``--study position``: every convolution of encoder and decoder that pads, reflects."""
    plain, reflected = (load(repo, folder, name) for name in (method, f'{method}-reflect'))
    modes = set()
    for part in ('backbone', 'neck') if reflected.model.neck else ('backbone',):
        modules = MODELS.build(reflected.model[part]).modules()
        convolutions = [m for m in modules if isinstance(m, torch.nn.Conv2d)]
        modes |= {m.padding_mode for m in convolutions if m.kernel_size != (1, 1)}
        del reflected.model[part]['conv_cfg']
    assert modes == {'reflect'}
    assert plain.to_dict() == reflected.to_dict()


def _crop(cfg: Config) -> Config:
    dataset = cfg.train_dataloader.dataset
    return dataset.pipeline[0]


@pytest.mark.parametrize('method', [m for m, ticks in TICKS.items() if ticks[0] and not ticks[2]])
def test_dilation_is_that_of_ordinary_weights(repo, method):
    """The released code's dilations of the 3x3 convolutions, stage 3 | stage 4."""
    backbone = MODELS.build(shrunk(load(repo, 'bdd100k', method)).model).backbone
    stages = (backbone.layer3, backbone.layer4)
    found = [[block.conv2.dilation[0] for block in stage] for stage in stages]
    assert found == [[1, 2, 2, 2, 2, 2], [2, 4, 4]]
    assert {block.conv2.stride for stage in stages for block in stage} == {(1, 1)}


@pytest.mark.parametrize(('folder', 'method'), CONFIGS)
def test_nothing_else_differs(repo, folder, method):
    """The same data, schedule and hooks as PooDLe's; of the model only parts, flow and dilation."""
    cfg, poodle = load(repo, folder, method), load(repo, folder, 'poodle')
    for key in poodle.keys() - {'model'}:
        assert cfg[key] == poodle[key], key
    for key in ('momentum', 'type'):
        assert cfg.model[key] == poodle.model[key]
    own, whole = dict(cfg.model.data_preprocessor), dict(poodle.model.data_preprocessor)
    own.pop('subcrops'), whole.pop('subcrops')
    if method == 'uflow':
        assert own.pop('flow').type == 'UFlow' and whole.pop('flow')
    assert own == whole
    backbone = dict(cfg.model.backbone)
    if TICKS[method][0] and not TICKS[method][2]:
        dilation = {key: backbone.pop(key) for key in ('type', 'strides', 'dilations')}
        assert dilation == dict(type='ResNet', strides=(1, 2, 1, 1), dilations=(1, 1, 2, 4))
        backbone['type'] = 'mmpretrain.ResNet'
    default = dict(strides=(1, 2, 2, 2))
    assert default | backbone == default | dict(poodle.model.backbone)
    for part in ('neck', 'dense_head', 'pooled_head'):
        if cfg.model[part]:
            ours = {k: v for k, v in cfg.model[part].items() if v is not None}
            assert ours.items() <= dict(poodle.model[part]).items()


@pytest.mark.parametrize('method', [method for method in TICKS if method != 'poodle'])
def test_merged_configs_are_those_of_files(repo, method, tmp_path):
    """BDD100K's files have MMEngine merge an ablation; without the file the plan does the same."""
    data = DATA['bdd100k']
    file, options = data.config(repo / 'configs', method)
    assert file.name == f'{method}_{data.recipe}.py' and not options
    expected = load_config(file).to_dict()
    del expected['ablation']
    without = tmp_path / 'configs'
    shutil.copytree(repo / 'configs', without, ignore=shutil.ignore_patterns(file.name))
    base, options = data.config(without, method)
    assert base.name == f'poodle_{data.recipe}.py' and options
    assert load_config(base, options).to_dict() == expected


@pytest.mark.parametrize('folder', DATA)
def test_base_rows_have_the_recipe_of_the_ablations(repo, folder):
    """The release recipe without affine and flip, on undistorted crops."""
    cfg = load(repo, folder, 'poodle')
    release = Config.fromfile(repo / 'configs/_base_/recipes/release.py')
    wanted = release.release_model.to_dict()
    affine = cfg.model.data_preprocessor.pop('affine')
    assert affine is None or RandomAffine(**affine).is_identity
    del wanted['data_preprocessor']['affine']
    assert contains(cfg.model.to_dict(), wanted)
    assert cfg.optim_wrapper.optimizer.eps == release.release_optim_wrapper.optimizer.eps
    crop = cfg.train_dataloader.dataset.pipeline[0]
    assert tuple(crop.scale) == (0.75, 1.25) and 'area' not in crop
    short_side = SHORT_SIDES.get(folder, 144)
    assert crop.get('short_side', 1080) == short_side
    # The largest window fits into every frame: 4:3 of CamVid, 16:9 of the others.
    aspect = 4 / 3 if folder == 'camvid' else 16 / 9
    assert crop.size[0] <= 0.75 * short_side and crop.size[1] <= 0.75 * short_side * aspect


def contains(node: dict, part: dict) -> bool:
    """Whether all that ``part`` says is said by ``node``."""
    return all(
        contains(node[key], value) if isinstance(value, dict) else node[key] == value
        for key, value in part.items()
    )


@pytest.mark.parametrize('folder', DATA)
def test_mixture_and_small_data_have_one_pair_a_visit(repo, folder):
    """Only BDD100K's videos are opened for more pairs than one."""
    cfg = load(repo, folder, 'poodle')
    repeats = 10 if folder == 'bdd100k' else 1
    assert repeats_of(cfg.train_dataloader.dataset) == repeats
    assert cfg.train_dataloader.sampler.get('parts', 1) == repeats


def test_flowe_headline(repo):
    """The paper's run of FlowE: PooDLe's recipe at 512x1024 with the parts of Table 4, row 1."""
    cfg = Config.fromfile(repo / 'configs' / 'flowe_r50_bdd.py')
    poodle = Config.fromfile(repo / 'configs' / 'poodle_r50_bdd.py')
    for key in poodle.keys() - {'model'}:
        assert cfg[key] == poodle[key], key
    released = Config.fromfile(repo / 'configs' / 'flowe_r50_bdd_release.py')
    for each, first_biases in ((cfg, 2), (released, 0)):
        model = MODELS.build(each.model)
        online = sum(p.numel() for p in model.parameters() if p.requires_grad)
        projector = 2048 * 4096 + 2 * 4096 + 4096 * 256 + 256
        predictor = 256 * 4096 + 2 * 4096 + 4096 * 256 + 256
        assert online == 23_508_032 + projector + predictor + first_biases * 4096
        assert model.backbone.dilations == (1, 1, 2, 4)
        assert tuple(each.train_dataloader.dataset.pipeline[0].size) == (512, 1024)


def narrow_and_small(cfg: Config) -> Config:
    """A narrow network on small crops, with a flow that needs no weights unless it is exact."""
    cfg.train_dataloader.dataset.pipeline[0].update(size=(64, 128), short_side=96)
    cfg.model.backbone.pop('init_cfg', None)
    if cfg.model.data_preprocessor.flow.type != 'CachedFlow':
        cfg.model.data_preprocessor.flow = dict(type='DISFlow', preset='ultrafast')
    cfg.custom_hooks = [dict(type='TargetUpdateHook')]
    return shrunk(cfg)


@pytest.mark.parametrize(('folder', 'method'), CONFIGS)
def test_steps(repo, folder, method, scenes, tmp_path):
    """Each config trains, narrow and on small crops."""
    cfg = narrow_and_small(load(repo, folder, method))
    check_losses(train_two_steps(cfg, scenes, tmp_path), method)


@pytest.mark.parametrize(
    ('name', 'method'),
    [
        ('flowe_r50_bdd', 'flowe'),
        ('flowe_r50_bdd_release', 'flowe'),
        ('poodle_r50_bdd-in1k_release', 'poodle'),
        ('poodle_r50_wt-venice_release', 'poodle'),
        ('poodle_r50_wt-all_release', 'poodle'),
        ('demo/poodle_r18_scenes', 'poodle'),
        ('demo/poodle_r18_scenes_release', 'poodle'),
        ('demo/poodle_r18_camvid', 'poodle'),
        ('demo/poodle_r18_camvid_release', 'poodle'),
    ],
)
def test_other_configs_step(repo, name, method, scenes, tmp_path):
    """Those that no other test trains."""
    cfg = narrow_and_small(Config.fromfile(repo / 'configs' / f'{name}.py'))
    check_losses(train_two_steps(cfg, scenes, tmp_path), method)


def check_losses(runner: Runner, method: str) -> None:
    """The objectives that the method has, and a target that followed."""
    scalars = runner.message_hub.log_scalars
    dense, pool, *_ = TICKS[method]
    assert ('train/loss_dense' in scalars, 'train/loss_pool' in scalars) == (dense, pool)
    assert int(runner.model.target.steps) == 2


def test_motion_guided_row_differs_in_its_prior_and_steps(repo, scenes, tmp_path):
    cfg, poodle = load(repo, 'scenes', 'motion-subcrops'), load(repo, 'scenes', 'poodle')
    subcrops = cfg.model.data_preprocessor.subcrops
    assert subcrops.motion.residual == 'homography'
    poodle.model.data_preprocessor.subcrops.motion = subcrops.motion
    assert cfg.to_dict() == poodle.to_dict()
    check_losses(train_two_steps(narrow_and_small(cfg), scenes, tmp_path), 'poodle')


# What each row of the ViT's study changes of the dense objective alone.
VIT_ROWS = {
    'vit-dense-only': None,
    'vit-registers': ('backbone', 'num_registers'),
    'vit-target-norm': ('dense_head', 'type'),
    'vit-final-norm': ('backbone', 'final_norm'),
    'vit-pyramid': ('neck',),
}


@pytest.mark.parametrize('method', VIT_ROWS)
@pytest.mark.parametrize('folder', ['camvid', 'scenes'])
def test_rows_of_the_vit_differ_in_one_thing(repo, folder, method):
    cfg, base = load(repo, folder, method).to_dict(), load(repo, folder, 'vit-dense-only').to_dict()
    assert cfg['model']['pooled_head'] is None
    assert cfg['model']['data_preprocessor']['subcrops'] is None
    changed = VIT_ROWS[method]
    assert (cfg != base) == (changed is not None)
    for each in (cfg['model'], base['model']) if changed else ():
        *parents, last = changed
        for part in parents:
            each = each[part]
        each.pop(last, None)
    assert cfg == base


@pytest.mark.parametrize('method', VIT_ROWS)
def test_rows_of_the_vit_step_and_are_read_out(repo, method, scenes, tmp_path):
    """Two steps on video; the readout's encoder is found in the checkpoint, and whole."""
    cfg = load(repo, 'scenes', method)
    cfg.train_dataloader.dataset.pipeline[0].update(size=(64, 128), short_side=96)
    cfg.model.data_preprocessor.flow = dict(type='DISFlow', preset='ultrafast')
    cfg.custom_hooks = [dict(type='TargetUpdateHook'), dict(type='TokenNormHook', interval=1)]
    runner = train_two_steps(cfg, scenes, tmp_path)
    runner.save_checkpoint(str(tmp_path), 'iter_2.pth', meta=dict(cfg=cfg.pretty_text))
    check_losses(runner, 'dense-only')
    scalars = runner.message_hub.log_scalars
    assert scalars['train/token_norm_peak'].current() >= 1
    assert 1 <= scalars['train/rank_features'].current() <= 96
    found = read_checkpoint(tmp_path / 'iter_2.pth')
    assert found.neck is None and found.backbone['type'] == 'poodle_mm.VisionTransformer'
    encoder = MODELS.build(found.backbone)
    load_part(encoder, found.path, found.backbone_prefix)
    assert encoder(torch.zeros(1, 3, 48, 64))[-1].shape == (1, 96, 6, 8)


@pytest.mark.parametrize('name', ['scenes', 'camvid', 'bdd'])
def test_poodle_on_a_vit(repo, name):
    """The ResNet's recipe but for the networks and, of the small one, rate and clipping."""
    files = dict(
        bdd=('poodle_vit-s16_bdd', 'poodle_r50_bdd'),
        **{
            data: [f'ablations/{data}/poodle_{arch}_{data}_96x192' for arch in ('vit-xs8', 'r18')]
            for data in ('scenes', 'camvid')
        },
    )
    cfg, base = (Config.fromfile(repo / 'configs' / f'{file}.py') for file in files[name])
    for key in base.keys() - {'model', 'optim_wrapper', 'custom_hooks', 'default_hooks'}:
        assert cfg[key] == base[key], key
    assert cfg.model.data_preprocessor == base.model.data_preprocessor
    assert {h['type'] for h in base.custom_hooks} <= {h['type'] for h in cfg.custom_hooks}
    model = MODELS.build(cfg.model)
    maps = model.extract_feats(torch.zeros(1, 3, 64, 128))
    assert maps[-1].shape[-2:] == (8, 16)
    assert model.dense_head.projector[0].in_channels == maps[-1].shape[1]
    width = model.backbone.embed_dims
    assert model.pooled_head.projector.mlp[0].in_features == maps[0].shape[1] == width


@pytest.mark.parametrize(
    ('folder', 'method'),
    [
        *((folder, m) for folder in ('bdd100k', 'camvid', 'scenes') for m in ('byol', 'densecl')),
        *((folder, m) for folder in ('camvid', 'scenes') for m in ('pixpro', 'mae')),
    ],
)
def test_image_baselines_step(repo, folder, method, scenes, tmp_path):
    """mmpretrain's methods on the same reader, with the same length and batch as PooDLe's row."""
    cfg, poodle = load(repo, folder, method), load(repo, folder, 'poodle')
    assert pairs_per_step(cfg) == pairs_per_step(poodle)
    if method == 'pixpro':  # a rate of its own
        poodle.optim_wrapper.optimizer.lr = 1e-3
    if method != 'mae':  # a ViT has settings of its own
        assert cfg.optim_wrapper == poodle.optim_wrapper
    assert cfg.train_cfg == poodle.train_cfg and cfg.param_scheduler == poodle.param_scheduler
    if 'max_epochs' in cfg.train_cfg:  # and so many pairs an epoch
        assert epochs_of_a_pass(cfg) == epochs_of_a_pass(poodle) == 1
    train_two_steps(tiny_images(cfg), scenes, tmp_path)
