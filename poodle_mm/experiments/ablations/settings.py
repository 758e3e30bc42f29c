"""The data on which the studies can be run, and how a study's settings become config options."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from mmengine.config import Config


@dataclass(frozen=True)
class DataSetting:
    """Where a study is run: its configs, its readout, its scale.

    Attributes:
        folder: Of ``configs/ablations``; a file's name begins with its method.
        without_flow: Folder of what does not depend on the flow.
        suite: Readout suite, see :mod:`poodle_mm.evaluation.suites`.
        size: (H, W) of the readout's images, for suites of whole images.
        shrink: The sweeps' crop sizes are the paper's divided by this.
        delta_step: Distance of two frames that stands for the paper's 15 frames.
        delta_unit: Its unit, that of the configs.
    """

    folder: str
    without_flow: str
    suite: str
    size: tuple[int, int] | None = None
    shrink: int = 1
    delta_step: float = 15
    delta_unit: str = 'frames'

    def config(self, config_dir: Path, method: str, with_flow: bool = True) -> Path:
        """The config of a method.

        Args:
            config_dir: ``configs``.
            method: First part of the file's name.
            with_flow: False skips ``folder``, for what does not depend on the flow.

        Raises:
            FileNotFoundError: If there is none for these data.
        """
        names = (self.folder, self.without_flow) if with_flow else (self.without_flow,)
        folders = [config_dir / 'ablations' / name for name in names]
        found = [path for folder in folders for path in sorted(folder.glob(f'{method}_*.py'))]
        if not found:
            raise FileNotFoundError(f'{folders[0]}: no config of {method} ({method}_*.py)')
        return found[0]


_SMALL = dict(size=(96, 192), shrink=2, delta_unit='seconds')
_SCENES = dict(**_SMALL, without_flow='scenes', suite='demo', delta_step=0.5)
DATA = {
    'bdd100k': DataSetting('bdd100k', 'bdd100k', 'bdd100k'),
    # most of CamVid's frames are a second apart
    'camvid': DataSetting('camvid', 'camvid', 'camvid', **_SMALL, delta_step=1.0),
    'demo': DataSetting('scenes', **_SCENES),
    'demo-exact': DataSetting('scenes-exact', **_SCENES),
}


def datasets_of(cfg: Config) -> dict[str, Config]:
    """Dotted key to config of each data set of the training: one, or those of a mixture."""
    key = 'train_dataloader.dataset'
    dataset = cfg.train_dataloader.dataset
    if 'datasets' not in dataset:
        return {key: dataset}
    return {f'{key}.datasets.{i}': part for i, part in enumerate(dataset.datasets)}


def scaled(settings: Mapping[str, Any], data: DataSetting) -> dict[str, Any]:
    """A variant's settings at the scale of the data: crop size in pixels, ``delta`` in its unit."""
    settings = dict(settings)
    if 'size' in settings:
        settings['size'] = tuple(side // data.shrink for side in settings['size'])
    if 'delta' in settings:
        delta = settings['delta'] * data.delta_step
        settings['delta'] = round(delta) if data.delta_unit == 'frames' else delta
    return settings


def sweep_options(cfg: Config, settings: Mapping[str, Any], data: DataSetting) -> dict[str, Any]:
    """Config options (dotted keys to values) of a variant's settings.

    Settings of a part that the method lacks (subcrops of FlowE) are left out.

    Args:
        cfg: The method's config.
        settings: See :class:`~poodle_mm.experiments.ablations.study.Variant`.
        data: The data setting.

    Raises:
        ValueError: For the same frame twice where the flow is exact: it is evaluated at the pixels
            of one crop.
    """
    options = {}
    settings = scaled(settings, data)
    crop = 'train_dataloader.dataset.pipeline.0'
    if 'size' in settings:
        options[f'{crop}.size'] = settings['size']
    if 'area' in settings:
        options[f'{crop}.area'] = settings['area']
        options[f'{crop}.scale'] = None  # the configs' law, which excludes the other
    if 'area_mean' in settings:
        options[f'{crop}.area_normal'] = (settings['area_mean'], settings['area_std'])
    if 'delta' in settings:
        pipeline = cfg.train_dataloader.dataset.pipeline
        if settings['delta'] == 0 and any('Flow' in t['type'] for t in pipeline):
            raise ValueError(
                'the sweep over the distance of frames contains 0, for which stored flow has no '
                'place: use --data demo, whose flow is estimated'
            )
        for key in datasets_of(cfg):
            options[f'{key}.delta'] = settings['delta']
    subcrops = 'model.data_preprocessor.subcrops'
    if cfg.model.get('data_preprocessor', {}).get('subcrops'):
        if 'subcrop_area' in settings:
            options[f'{subcrops}.area'] = settings['subcrop_area']
        if 'num_subcrops' in settings:
            options[f'{subcrops}.num'] = settings['num_subcrops']
    return options
