"""PooDLe's dense objective on a ViT (appendix G): its collapse, four cures, and their figures."""

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from poodle_mm.apis import load_encoder
from poodle_mm.apis.features import load_image
from poodle_mm.catalog import CATALOG, IMAGENET_MEAN, IMAGENET_STD
from poodle_mm.datasets.files import find_files
from poodle_mm.engine.run_log import read_log
from poodle_mm.experiments import report as reports
from poodle_mm.experiments.ablations.plan import Run
from poodle_mm.experiments.ablations.study import Study, Variant
from poodle_mm.geometry.token_statistics import effective_rank, token_norms
from poodle_mm.utils.files import write_json
from poodle_mm.utils.modules import map_before_norm
from poodle_mm.utils.tables import markdown_table
from poodle_mm.visualization.token_figure import draw_norm_maps, draw_token_curves

VIT = Study(
    'vit',
    "PooDLe's dense objective on a ViT",
    (
        Variant('dense', 'dense only', 'vit-dense-only'),
        Variant('registers', '+ register tokens', 'vit-registers'),
        Variant('target-norm', '+ standardised targets', 'vit-target-norm'),
        Variant('final-norm', '+ normalised tokens', 'vit-final-norm'),
        Variant('pyramid', '+ decoder', 'vit-pyramid'),
        Variant('resnet', 'ResNet, dense only', 'dense-only'),
    ),
    data=('scenes', 'camvid'),
)
SIZE = (96, 192)
_LOGGED = ('std_dense', 'rank_dense', 'rank_features', 'token_norm', 'token_norm_peak')
_IMAGES = 4


def write_vit_report(runs: Sequence[Run], folder: Path, data_root: str | Path | None) -> list[Path]:
    """Write ``vit_tokens.json``, ``.md``, ``.html`` and pictures: curves, and maps of norms.

    Args:
        runs: Runs of :data:`VIT` that have trained; the first seed's is drawn.
        folder: Folder of the files.
        data_root: Root of the labelled images whose tokens are shown; None: the suite's default.

    Returns:
        The files but for the JSON, Markdown first; none if no checkpoint is left.
    """
    trained = {run.variant.label: run for run in reversed(runs) if run.checkpoint.is_file()}
    trained = {v.label: trained[v.label] for v in VIT.variants if v.label in trained}
    if not trained:
        return []
    curves = {label: read_log(run.work_dir) for label, run in trained.items()}
    (suite,) = {run.readout['suite'][0] for run in trained.values()}
    split = CATALOG[suite].splits['test']
    root = Path(data_root or CATALOG[suite].root) / split.images
    files = find_files(root, (CATALOG[suite].img_suffix,))
    files = [root / files[int((i + 0.5) * len(files) / _IMAGES)] for i in range(_IMAGES)]
    images = torch.stack([_resized(load_image(file)) for file in files])

    norms, at_end = {}, {}
    for label, run in trained.items():
        maps = last_maps(run.checkpoint, images)
        norms[label] = list(maps.norm(dim=1))
        found = token_norms(maps)
        found['rank_features'] = effective_rank(maps.flatten(2).transpose(1, 2).flatten(0, 1))
        at_end[label] = {name: float(value) for name, value in found.items()}
    write_json(folder / 'vit_tokens.json', dict(curves=_numbers(curves), images=at_end), indent=1)
    pictures = (images * 255).round().byte().movedim(1, -1).numpy()
    parts = [
        f'# {VIT.title}: tokens',
        f'Curves: training frames, no augmentation. Maps: {_IMAGES} images of the test split, last '
        f'checkpoints, seed {next(iter(trained.values())).seed}.',
        _table(curves, at_end),
        reports.Picture('vit_curves.png', 'Spread, rank and norms', draw_token_curves(curves)),
        reports.Picture('vit_norms.png', 'Norms of the tokens', draw_norm_maps(pictures, norms)),
    ]
    return reports.write_report(folder, 'vit_tokens', parts)


@torch.no_grad()
def last_maps(checkpoint: Path, images: Tensor) -> Tensor:
    """The last layer's tokens, before a final norm, of (N, 3, H, W) images in [0, 1]."""
    mean, std = (torch.tensor(x).view(3, 1, 1) for x in (IMAGENET_MEAN, IMAGENET_STD))
    backbone = load_encoder(checkpoint, with_sdm=False).backbone
    return map_before_norm(backbone, (images - mean) / std)


def _resized(image: Tensor) -> Tensor:
    options = dict(mode='bilinear', antialias=True, align_corners=False)
    return torch.nn.functional.interpolate(image[None], SIZE, **options)[0].clamp(0, 1)


def _numbers(curves: Mapping[str, Mapping[str, tuple[np.ndarray, np.ndarray]]]) -> dict:
    """Curves for JSON."""
    return {
        label: {
            name: [[int(step), float(f'{value:.4g}')] for step, value in zip(*own[name])]
            for name in (*_LOGGED, 'token_norm_outliers', 'loss_dense')
            if name in own
        }
        for label, own in curves.items()
    }


def _table(curves: Mapping, at_end: Mapping[str, Mapping[str, float]]) -> str:
    head = ['row', 'spread at the end', 'rank of projections', 'rank of features']
    head += ['mean norm', 'largest / median', '% above 3 medians']
    rows = []
    for label, own in curves.items():
        logged = [f'{own[name][1][-1]:.2f}' if name in own else '–' for name in _LOGGED[:2]]
        found = at_end[label]
        shown = [found['rank_features'], found['token_norm'], found['token_norm_peak']]
        rows.append([label, *logged, *(f'{value:.2f}' for value in shown)])
        rows[-1].append(f'{100 * found["token_norm_outliers"]:.2f}')
    return markdown_table(head, rows)
