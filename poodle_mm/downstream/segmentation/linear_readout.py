"""Linear readout: one 1x1 convolution on frozen features (PooDLe §4.2, DeepLab v1 head)."""

from collections.abc import Mapping, Sequence
from pathlib import Path

from mmengine.config import Config
from mmengine.runner import Runner
from mmpretrain.registry import MODELS as BACKBONES
from mmseg.datasets import BaseSegDataset
from mmseg.registry import DATASETS

_DATASETS = dict(
    scenes=dict(type='mmseg.BDD100KDataset', img_suffix='.png'),
    camvid=dict(type='mmseg.CamVidDataset', img_suffix='.jpg'),
)
_RECALIBRATION_BATCH = 16  # images; statistics of smaller batches vary more from batch to batch
_STRIDE_8 = dict(strides=(1, 2, 1, 1), dilations=(1, 1, 2, 4))


def linear_readout_config(
    backbone: dict,
    neck: dict | None,
    dataset: str,
    data_root: str | Path,
    work_dir: str | Path,
    checkpoint: str | Path | None = None,
    eval_split: str = 'test',
    size: tuple[int, int] = (128, 256),
    max_iters: int = 200,
    batch_size: int = 8,
    lr: float = 3e-2,
    groups: Mapping[str, Sequence[int]] | None = None,
    seed: int = 0,
    max_cached: int = 1000,
    label_stride: int = 1,
) -> Config:
    """MMSegmentation config of a linear readout, trained on the split ``train``.

    Args:
        backbone: ``model.backbone`` of the pretraining config, an mmpretrain ResNet. Without a
            neck its last two stages are dilated so that the map has stride 8, as the neck's has.
        neck: ``model.neck`` of the pretraining config, or None for the encoder alone.
        dataset: ``'scenes'`` or ``'camvid'``.
        data_root: Folder with ``images/<split>`` and ``labels/<split>``.
        work_dir: Where logs and the trained head go.
        checkpoint: Pretraining checkpoint; None reads out the random initialisation.
        eval_split: Split on which :func:`linear_readout` tests.
        size: (H, W) to which images are resized; predictions are scored at the labels' size.
        max_iters, batch_size, lr: AdamW without weight decay, the rate falls by a cosine to 0.
        groups: Class ids of groups whose mean IoU is reported too.
        seed: Of the head's, and of a random network's initialisation and the order of images.
        label_stride: The head learns from every n-th pixel of the training labels, both ways;
            testing is always at the labels' own size.
        max_cached: Training images (a flipped one is another one) that are kept in memory at most,
            decoded, with labels and features: at H * W * (11 + C / 16) bytes for C channels.

    Raises:
        ValueError: If the data set is unknown.
        FileNotFoundError: If a split has no labelled images.
    """
    split_of = dict(train='train', test=eval_split)
    sets = {part: _dataset(dataset, data_root, split) for part, split in split_of.items()}
    num_images = len(DATASETS.build(dict(sets['train'], pipeline=[])))
    num_classes = len(DATASETS.build(dict(sets['test'], lazy_init=True)).metainfo['classes'])

    backbone = {k: v for k, v in backbone.items() if k not in ('init_cfg', 'frozen_stages')}
    if neck is None:
        backbone |= dict(out_indices=(3,), **_STRIDE_8)
    elif '.' not in neck['type']:
        neck = dict(neck, type=f'poodle_mm.{neck["type"]}')
    channels = BACKBONES.build(backbone).feat_dim  # the decoder keeps them

    resize = dict(type='Resize', scale=size[::-1], keep_ratio=False)
    load, annotate, pack = (
        dict(type=name) for name in ('LoadImageFromFile', 'LoadAnnotations', 'PackSegInputs')
    )
    flip = dict(type='RandomFlip', prob=1.0)
    whole = dict(batch_size=batch_size, num_workers=0)
    return Config(
        dict(
            default_scope='mmseg',
            custom_imports=dict(imports=['poodle_mm.downstream.segmentation']),
            experiment_name=Path(work_dir).name,
            work_dir=str(work_dir),
            model=dict(
                type='FrozenEncoderDecoder',
                max_cached=max_cached,
                data_preprocessor=dict(
                    type='SegDataPreProcessor',
                    mean=[123.675, 116.28, 103.53],
                    std=[58.395, 57.12, 57.375],
                    bgr_to_rgb=True,
                    size=size,
                ),
                backbone=backbone,
                neck=neck,
                decode_head=dict(
                    type='LinearHead',
                    label_stride=label_stride,
                    in_channels=channels,
                    num_classes=num_classes,
                    loss_decode=dict(type='CrossEntropyLoss', avg_non_ignore=True),
                ),
                test_cfg=dict(mode='whole'),
            ),
            train_dataloader=dict(
                **whole,
                sampler=dict(type='InfiniteSampler', shuffle=True),
                dataset=dict(
                    type='CachedConcatDataset',
                    max_items=max_cached,
                    datasets=[
                        dict(**sets['train'], pipeline=[load, annotate, resize, *flipped, pack])
                        for flipped in ([], [flip])
                    ],
                ),
            ),
            test_dataloader=dict(
                **whole,
                sampler=dict(type='DefaultSampler', shuffle=False),
                # labels stay at their own size
                dataset=dict(**sets['test'], pipeline=[load, resize, annotate, pack]),
            ),
            test_evaluator=dict(type='ClassGroupIoUMetric', groups=groups),
            train_cfg=dict(type='IterBasedTrainLoop', max_iters=max_iters),
            test_cfg=dict(type='TestLoop'),
            optim_wrapper=dict(optimizer=dict(type='AdamW', lr=lr, weight_decay=0)),
            param_scheduler=dict(type='CosineAnnealingLR', by_epoch=False, T_max=max_iters),
            default_hooks=dict(
                checkpoint=dict(type='CheckpointHook', by_epoch=False, interval=-1),
                logger=dict(type='LoggerHook', interval=50),
            ),
            custom_hooks=[
                dict(
                    type='FrozenFeaturesHook',
                    checkpoint=checkpoint and str(checkpoint),
                    dataloader=dict(
                        batch_size=min(_RECALIBRATION_BATCH, num_images),
                        num_workers=0,
                        drop_last=True,
                        sampler=dict(type='DefaultSampler', shuffle=True),
                        dataset=dict(**sets['train'], pipeline=[load, resize, pack]),
                    ),
                )
            ],
            randomness=dict(seed=seed),
            log_processor=dict(by_epoch=False),
        )
    )


def linear_readout(cfg: Config) -> tuple[dict, Runner]:
    """Train and test the head of a :func:`linear_readout_config`.

    Returns:
        ``dict(miou, acc, <group>..., per_class=dict(<class>))``, all in percent, NaN where there
        is nothing to score; and the finished runner with the segmentor.
    """
    runner = Runner.from_cfg(cfg)
    runner.train()
    found = runner.test()
    groups = {k.removeprefix('mIoU/'): v for k, v in found.items() if k.startswith('mIoU/')}
    classes = {k.removeprefix('IoU/'): v for k, v in found.items() if k.startswith('IoU/')}
    summary = dict(miou=float(found['mIoU']), acc=float(found['aAcc']))
    return summary | groups | dict(per_class=classes), runner


def training_labels(dataset: str, data_root: str | Path) -> BaseSegDataset:
    """The labels of the training split; ``gt_seg_map`` of an item is (H, W), 255 = ignore."""
    cfg = _dataset(dataset, data_root, 'train')
    return DATASETS.build(dict(cfg, pipeline=[dict(type='mmseg.LoadAnnotations')]))


def _dataset(name: str, data_root: str | Path, split: str) -> dict:
    """Config of one split, without its pipeline."""
    if name not in _DATASETS:
        raise ValueError(f'readout.dataset must be one of {list(_DATASETS)}, got {name!r}')
    cfg = _DATASETS[name]
    folders = {kind: Path(data_root, kind, split) for kind in ('images', 'labels')}
    for kind, folder in folders.items():
        suffix = cfg['img_suffix'] if kind == 'images' else '.png'
        if not any(folder.glob(f'*{suffix}')):
            raise FileNotFoundError(f'no *{suffix} in {folder}: the readout needs {kind} there')
    return dict(
        **cfg,
        data_prefix=dict(img_path=str(folders['images']), seg_map_path=str(folders['labels'])),
    )
