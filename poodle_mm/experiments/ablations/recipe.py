"""A training config in words, for dry runs."""

import math
from typing import Any

from mmengine.config import Config

from poodle_mm.engine.schedule import epochs_of_a_pass, frames_per_item, repeats_of, unit_of
from poodle_mm.experiments.ablations.budget import pairs_per_step
from poodle_mm.experiments.ablations.settings import datasets_of

# What the views of an item are of, by the argument ``frames`` of ``ImageViews``.
_FRAMES = dict(
    first='the first frame', random='one of the frames', pair='both frames', all='all frames'
)
_VIEWS = ('photometric', 'BYOL’s'), ('affine', 'of the defaults')


def describe(cfg: Config) -> dict[str, str]:
    """The recipe of a pretraining, read off its config, by topic."""
    views = cfg.model.get('data_preprocessor', {})
    recipe = dict(data=_data(cfg), model=_model(cfg.model))
    if 'flow' in views:
        recipe['flow'] = f'{views.flow.type} {_arguments(views.flow)}'.rstrip()
        recipe['views'] = ', '.join(_view(views, *view) for view in _VIEWS)
    subcrops = views.get('subcrops')
    if subcrops and subcrops.get('num') and cfg.model.get('pooled_head'):
        recipe['subcrops'] = (
            f'K = {subcrops["num"]} pairs of {subcrops["size"]}×{subcrops["size"]}, '
            f'area {_range(subcrops["area"])}'
        )
        if 'target_area' in subcrops:
            recipe['subcrops'] += f', target {subcrops["target_area"]}'
    recipe['schedule'] = _schedule(cfg)
    if cfg.get('load_from'):
        recipe['from'] = str(cfg.load_from)
    return recipe


def _data(cfg: Config) -> str:
    words = [' + '.join(_source(d) for d in datasets_of(cfg).values())]
    dataset = cfg.train_dataloader.dataset
    first = dataset.pipeline[0]
    if 'size' in first:
        words.append(f'crop {_crop_law(first)} → {first.size[0]}×{first.size[1]}')
    else:
        words.append(f'{first["type"]} of {_FRAMES[_chosen(first)]}')
    if repeats_of(dataset) > 1:
        words.append(f'R = {repeats_of(dataset)} {unit_of(dataset)} a visit')
    return ', '.join(words)


def _chosen(views: Config) -> str:
    is_image = views['type'].split('.')[-1] == 'ImageViews'
    return views.get('frames', 'first') if is_image else 'all'


def _source(dataset: Config) -> str:
    words = f'{dataset.get("source", "videos")} {dataset.get("data_root")}, '
    if 'delta' in dataset:
        return words + f'Δ {_range(dataset.delta)} {dataset.get("delta_unit", "frames")}'
    words += f'clips of {frames_per_item(dataset)} frames'
    if 'spacing' in dataset:
        words += f', {_range(dataset.spacing)} {dataset.get("spacing_unit", "frames")} apart'
    return words


def _crop_law(crop: Config) -> str:
    if crop.get('scale'):
        return f'scale {_range(crop.scale)} of a short side of {crop.get("short_side", 1080)}'
    area = _range(crop.area)
    if crop.get('area_normal'):
        area = 'N({:g}, {:g}) within '.format(*crop.area_normal) + area
    return f'area {area}'


def _view(views: Config, name: str, default: str) -> str:
    part = views.get(name, {})
    return f'{name} ' + ('none' if part is None else _arguments(part) or default)


def _arguments(part: Config) -> str:
    return ' '.join(f'{key}={value}' for key, value in part.items() if key != 'type')


def _model(model: Config) -> str:
    if model.type == 'UFlowTraining':
        weights = {key: value for key, value in model.get('weights', {}).items() if value}
        terms = ' + '.join(f'{value:g} {key}' for key, value in weights.items())
        return f'UFlowTraining: {model.network}, {terms} loss'
    backbone = model.backbone
    name, encoder = (part['type'].split('.')[-1] for part in (model, backbone))
    words = [
        f'{name}: {encoder}-{backbone["depth"]}' if 'depth' in backbone else _vit(name, backbone)
    ]
    dilated = max(backbone.get('dilations', (1,))) > 1
    if model['type'] == 'PooDLe':
        if 'depth' in backbone:
            stride = 4 * math.prod(backbone.get('strides', (1, 2, 2, 2)))
            words.append(f'{"dilated to " if dilated else ""}stride {stride}')
        if (neck := model.get('neck')) and neck['type'] == 'SimpleFeaturePyramid':
            words.append(f'simple feature pyramid of strides {", ".join(map(str, neck.strides))}')
        elif neck:
            lateral, block = neck.get('lateral', 'linear'), neck.get('block', 'bottleneck')
            if block and not neck.get('upsample_first', True):
                block += ' before upsampling'
            words.append(f'decoder (blocks: {block or "none"}, laterals: {lateral or "none"})')
        else:
            words.append('no decoder')
        subcrops = model.data_preprocessor.get('subcrops')
        has_pairs = subcrops is not None and subcrops.get('num') != 0
        parts = ('dense', 'pooled') if has_pairs else ('dense',)
        heads = {part: model.get(f'{part}_head') for part in parts}
        weights = {part: head.get('loss_weight', 1) for part, head in heads.items() if head}
        terms = [part if w == 1 else f'{w:g} {part}' for part, w in weights.items()]
        words.append(' + '.join(terms) + ' loss')
    return ', '.join(words)


def _vit(name: str, backbone: Config) -> str:
    arch = backbone.get('arch', 'base')
    if not isinstance(arch, str):
        arch = f'{arch["num_layers"]} layers of {arch["embed_dims"]}'
    return f'{name}: ViT, {arch}, patches of {backbone.get("patch_size", 16)}'


def _schedule(cfg: Config) -> str:
    optimizer = cfg.optim_wrapper.optimizer
    words = [f'{optimizer["type"]} {optimizer["lr"]:g}']
    for key in ('weight_decay', 'eps'):
        if key in optimizer:
            words.append(f'{key.replace("_", " ")} {optimizer[key]:g}')
    words.append(f'{pairs_per_step(cfg)} {unit_of(cfg.train_dataloader.dataset)} a step')
    by_epoch = 'max_epochs' in cfg.train_cfg
    unit, factor = ('epochs', epochs_of_a_pass(cfg)) if by_epoch else ('iterations', 1)
    length = cfg.train_cfg.max_epochs if by_epoch else cfg.train_cfg.max_iters
    words.append(f'{length * factor:g} {unit}')
    schedulers = cfg.get('param_scheduler') or []
    warmup = next((s for s in schedulers if s['type'] == 'LinearLR'), None)
    if warmup:
        words.append(f'{warmup["end"] * factor:g} of them warm-up')
    cosine = next((s for s in schedulers if s['type'].startswith('Cosine')), None)
    if cosine:
        words.append(f'cosine to {cosine["end"] * factor:g}')
    if cfg.model.type == 'PooDLe':
        words.append(f'target momentum from {cfg.model.momentum:g}')
    return ', '.join(words)


def _range(value: Any) -> str:
    if not isinstance(value, (list, tuple)):
        return f'{value:g}'
    low, high = value
    return f'{low:g}–{high:g}' if low != high else f'{low:g}'
