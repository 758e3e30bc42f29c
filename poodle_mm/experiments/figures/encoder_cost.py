"""Operations of the encoders as configs build them, beside the later paper's GFLOPs."""

from collections import OrderedDict
from pathlib import Path
from typing import NamedTuple

from mmengine.config import Config
from mmengine.registry import DefaultScope
from torch import Tensor, nn
from torchvision.ops import FeaturePyramidNetwork

from poodle_mm.experiments.figures.output import write_analysis
from poodle_mm.registry import MODELS
from poodle_mm.utils.operations import RULE, count_operations
from poodle_mm.utils.resources import resource_root
from poodle_mm.utils.tables import markdown_table

SIZE = (512, 1024)
"""Crop with which the published numbers are met."""


class Pyramid(nn.Module):
    """Guess at the published pyramid: P2 to P5, and two more 3x3 convolutions of each level."""

    def __init__(self, in_channels: tuple[int, ...], channels: int = 256) -> None:
        super().__init__()
        self.pyramid = FeaturePyramidNetwork([*in_channels], channels)
        self.more = nn.ModuleList(
            nn.Sequential(*(_convolution(channels) for _ in range(2))) for _ in in_channels
        )

    def forward(self, feats: tuple[Tensor, ...]) -> list[Tensor]:
        """Encoder maps, fine to coarse, to maps of the same sizes."""
        maps = self.pyramid(OrderedDict((str(i), x) for i, x in enumerate(feats)))
        return [more(x) for more, x in zip(self.more, maps.values())]


class Encoder(NamedTuple):
    """A network whose cost is counted.

    Attributes:
        name: Short name.
        config: Pretraining config, below ``configs``.
        published: GFLOPs in the later paper.
        part: ``'backbone'``; with ``'neck'`` its neck goes with it; ``'pyramid'``: :class:`Pyramid`
            on all four stages.
        note: What differs from the published network where the numbers do.
    """

    name: str
    config: str
    published: float
    part: str = 'backbone'
    note: str = ''


ENCODERS = (
    Encoder('R50', 'poodle_r50_bdd.py', 43.3),
    Encoder('R50 + SDM', 'poodle_r50_bdd_release.py', 60.5, 'neck'),
    Encoder(
        'R50 + SDM,\nEq. 3',
        'poodle_r50_bdd.py',
        60.5,
        'neck',
        'upsamples before its bottleneck, as Eq. 3 is printed; the published number is that of the '
        'released code, which upsamples after it',
    ),
    Encoder(
        'R50 + FPN,\nP3 alone',
        'pixpro/pixpro_r50-fpn_bdd_224x224_100e.py',
        124.4,
        'neck',
        'computes P3 alone, from three stages; the published pyramid is not described',
    ),
    Encoder(
        'R50 + FPN,\nP2–P5 (guess)',
        'poodle_r50_bdd.py',
        124.4,
        'pyramid',
        'no config: P2 to P5 of 256 channels with two more 3x3 convolutions, norm and ReLU a level '
        'cost as much as was published, which does not show that they were it',
    ),
    Encoder('R50, dilated', 'flowe_r50_bdd.py', 200.7),
    Encoder('ViT-S/16', 'dino/dino_vit-s16_bdd_224x224_300e.py', 82.9),
)


def encoder_cost(encoder: Encoder, size: tuple[int, int] = SIZE) -> tuple[float, float, float]:
    """Count an encoder's operations in training.

    Args:
        encoder: The encoder.
        size: (H, W) of the image in pixels.

    Returns:
        10^9 operations, 10^9 of them in convolutions and matrix products, 10^6 parameters.
    """
    cfg = Config.fromfile(resource_root() / 'configs' / encoder.config)
    backbone = cfg.model.backbone
    if encoder.part == 'pyramid':
        backbone = dict(backbone, out_indices=(0, 1, 2, 3))
    with DefaultScope.overwrite_default_scope(cfg.default_scope):
        parts = [MODELS.build(backbone)]
        if encoder.part == 'neck':
            parts.append(MODELS.build(cfg.model.neck))
        elif encoder.part == 'pyramid':
            parts.append(Pyramid((256, 512, 1024, 2048)))
    network = nn.Sequential(*parts).train()
    every, products = count_operations(network, size)
    parameters = sum(each.numel() for each in network.parameters())
    return every / 1e9, products / 1e9, parameters / 1e6


def write_encoder_cost(out: str | Path, size: tuple[int, int] = SIZE) -> tuple[str, list[Path]]:
    """Count all encoders, and write figure, numbers and text.

    Args:
        out: Path of the files without an ending.
        size: (H, W) of the image in pixels; another than ``SIZE`` has no published numbers.

    Returns:
        A table with what was counted and how, and the files.
    """
    from poodle_mm.visualization.cost_bars import draw_costs  # matplotlib takes a second

    published = size == SIZE
    rows, costs = [], {}
    for encoder in ENCODERS:
        every, products, parameters = encoder_cost(encoder, size)
        rows.append(
            {
                'encoder': encoder.name.replace('\n', ' '),
                'published_gflops': encoder.published if published else '',
                'gflops': round(every, 3),
                'products_gflops': round(products, 3),
                'parameters_millions': round(parameters, 3),
                'config': encoder.config if encoder.part != 'pyramid' else '',
                'note': encoder.note if published else '',
            }
        )
        costs[encoder.name] = encoder.published if published else None, every
    how = f'one image of {size[0]} x {size[1]} pixels, in training; {RULE}'
    figure = draw_costs(
        costs, f'forward pass of {how}'.replace('; ', '\n'), '10⁹ operations (GFLOPs)'
    )
    cells = [
        [
            row['encoder'],
            f'{row["published_gflops"]:.1f}' if published else '–',
            *(f'{row[key]:.1f}' for key in ('gflops', 'products_gflops', 'parameters_millions')),
        ]
        for row in rows
    ]
    head = ['encoder', 'published', 'ours', 'convolutions and products', 'parameters (M)']
    notes = [f'{row["encoder"]}: {row["note"]}.' for row in rows if row['note']]
    text = '\n'.join([f'GFLOPs of {how}.', '', markdown_table(head, cells), '', *notes])
    return text, write_analysis(out, figure, rows, text)


def _convolution(channels: int) -> nn.Sequential:
    layer = nn.Conv2d(channels, channels, 3, padding=1, bias=False)
    return nn.Sequential(layer, nn.BatchNorm2d(channels), nn.ReLU(inplace=True))
