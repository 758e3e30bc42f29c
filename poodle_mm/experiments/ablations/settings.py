"""The data on which the studies can be run, and how a study's settings become config options."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from mmengine.config import Config

from poodle_mm.experiments.ablations.study import SCRATCH

LEARNED_FLOW = 'uflow'  # the method whose flow network is trained before it
_ON_FRAMES = ('byol', 'densecl', 'dino', 'dora', 'ibot', 'mae', 'pixpro')
_WITHOUT_STORED_FLOW = (SCRATCH, *_ON_FRAMES, LEARNED_FLOW, 'uflow-small')
_SMALL_VIT = 'vit-xs8'


class MissingConfigError(FileNotFoundError):
    """A method has no config for some data."""


@dataclass(frozen=True)
class DataSetting:
    """The configs, the readout and the scale of a study.

    Attributes:
        name: Folder of ``configs/ablations``, and of the runs.
        suite: Suite of the readout, a name of :data:`~poodle_mm.catalog.CATALOG`.
        recipe: Configs' names after the method's.
        images: The same of methods on single frames, in ``configs/<method>``; those with a ViT have
            ``vit-xs8`` for ``r18``.
        size: (H, W) of the readout's images, for suites of whole images.
        shrink: Divisor of the sweeps' crop sizes.
        delta_step: Distance of two frames that stands for the paper's 15 frames.
        delta_unit: Unit of ``delta_step`` and of the configs.
        flow: Trainings of row 6's flow network one after the other, each from the weights of the
            one before: config in ``configs/flow`` to the options that name the roots of its data.
        flow_size: (h, w) at which that network works; None: the crops' size.
        overlays: Folders of ``configs/_base_`` in which a row's changes are looked for, in order.
    """

    name: str
    suite: str
    recipe: str
    images: str
    size: tuple[int, int] | None = None
    shrink: int = 1
    delta_step: float = 15
    delta_unit: str = 'frames'
    flow: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    flow_size: tuple[int, int] | None = None
    overlays: tuple[str, ...] = ('ablations',)

    def of(self, method: str | None, exact: bool = False) -> 'DataSetting':
        """The setting with the runs of a method: those that use no stored flow are shared.

        Args:
            method: Attribute of :class:`~poodle_mm.experiments.ablations.study.Variant`.
            exact: Likewise.

        Raises:
            ValueError: If exact flow is wanted and these data have none.
        """
        if exact and not self.has_exact:
            raise ValueError(f'--data {self.name} has no exact flow: leave the row away')
        if exact:
            return DATA[_exact(self.suite)]
        shared = self.name == _exact(self.suite) and method in _WITHOUT_STORED_FLOW
        return DATA[self.suite] if shared else self

    @property
    def has_exact(self) -> bool:
        """Whether there is exact flow of these data."""
        return _exact(self.suite) in DATA

    def config(
        self, config_dir: Path, method: str, arch: str | None = None
    ) -> tuple[Path, dict[str, Any]]:
        """The config of a method: its file, or PooDLe's and an ablation's changes.

        Args:
            config_dir: ``configs``.
            method: First part of a config's name, or a name in ``configs/_base_/ablations``.
            arch: Second part of the name; None: whichever there is, a ResNet first.

        Returns:
            The file, and options (dotted keys to values) that make the method of it.

        Raises:
            MissingConfigError: If there is none for these data.
        """
        folder = config_dir / 'ablations' / self.name
        own_arch = self.images.split('_')[0]
        recipe, image = (
            name.replace(own_arch, arch or own_arch, 1) for name in (self.recipe, self.images)
        )
        own = folder / f'{method}_{recipe}.py'
        names = [image]
        names += [] if arch else [self.images.replace(own_arch, _SMALL_VIT, 1)]
        files = [config_dir / method / f'{method}_{name}.py' for name in names]
        for file in (own, *files):
            if file.is_file():
                return file, {}
        overlays = [config_dir / '_base_' / name / f'{method}.py' for name in self.overlays]
        overlay = next((file for file in overlays if file.is_file()), overlays[-1])
        if arch or method in _ON_FRAMES:
            raise MissingConfigError(f'no config {files[0]}')
        if not overlay.is_file():
            raise MissingConfigError(f'no ablation {overlay}, and no config {own}')
        changes = Config.fromfile(overlay)
        recipe = self.recipe.replace('r18', changes.get('arch', 'r18'), 1)
        return folder / f'poodle_{recipe}.py', _dotted(changes.ablation, 'model')


def _exact(suite: str) -> str:
    return f'{suite}-exact'


def _small(name: str, suite: str, delta_step: float, **flow: tuple[str, ...]) -> DataSetting:
    names = (name, suite, f'r18_{name}_96x192', f'r18_{suite}_128x128')
    scale = dict(size=(96, 192), shrink=2, delta_step=delta_step, delta_unit='seconds')
    return DataSetting(*names, **scale, flow=flow)


def _cells(suite: str, delta_step: float, size: tuple[int, int]) -> DataSetting:
    """Crops of 128x256 in the paper's counts of cells, encoders of total stride 16."""
    name = f'{suite}-cells'
    return DataSetting(
        name,
        suite,
        f'r18_{name}_128x256',
        f'r18_{suite}_128x128',
        size=size,
        shrink=2,
        delta_step=delta_step,
        delta_unit='seconds',
        overlays=('ablations_stride16', 'ablations'),
    )


DATA = {
    'scenes': _small('scenes', 'scenes', 0.5, uflow_small_scenes=('data_root',)),
    'scenes-exact': _small('scenes-exact', 'scenes', 0.5),
    # most of its frames are a second apart
    'camvid': _small('camvid', 'camvid', 1.0, uflow_small_camvid=('data_root', 'driving')),
    'scenes-cells': _cells('scenes', 0.5, size=(360, 640)),
    'camvid-cells': _cells('camvid', 1.0, size=(360, 480)),
    'camvid-large': DataSetting(
        'camvid-large',
        'camvid',
        'r18_camvid-large_256x512',
        'r18_camvid_128x128',
        size=(360, 480),
        delta_step=1.0,
        delta_unit='seconds',
    ),
    'bdd100k': DataSetting(
        'bdd100k',
        'bdd100k',
        'r50_bdd_256x512_40e',
        'r50_bdd_224x224_40e',
        flow=dict(uflow_kitti=('kitti',), uflow_bdd=('data_root',)),
        flow_size=(256, 512),
    ),
}
"""Settings by the names that ``--data`` takes."""


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


def setting_text(value: float | Sequence) -> str:
    """``(0.05, 0.25)`` → ``0.05–0.25``, ``(256, 512)`` → ``256×512``, ``3`` → ``3``."""
    if not isinstance(value, Sequence):
        return f'{value:g}'
    return ('×' if isinstance(value[0], int) else '–').join(f'{v:g}' for v in value)


_CROP, _SUBCROPS = 'train_dataloader.dataset.pipeline.0', 'model.data_preprocessor.subcrops'
_KEYS = dict(
    size=f'{_CROP}.size',
    area=f'{_CROP}.area',
    subcrop_area=f'{_SUBCROPS}.area',
    num_subcrops=f'{_SUBCROPS}.num',
)


def sweep_options(cfg: Config, settings: Mapping[str, Any], data: DataSetting) -> dict[str, Any]:
    """Config options (dotted keys to values) of a variant's settings.

    Settings of a part that the method lacks (subcrops of FlowE) are left out.

    Args:
        cfg: The method's config.
        settings: Attribute of :class:`~poodle_mm.experiments.ablations.study.Variant`.
        data: The data setting.

    Raises:
        ValueError: For the same frame twice where the flow is exact: it is evaluated at the pixels
            of one crop.
    """
    settings = scaled(settings, data)
    subcrops = cfg.model.get('data_preprocessor', {}).get('subcrops')
    options = {
        key: settings[name]
        for name, key in _KEYS.items()
        if name in settings and (subcrops or not key.startswith(_SUBCROPS))
    }
    if 'area' in settings:
        options[f'{_CROP}.scale'] = None  # the configs' law, which excludes the other
    if 'area_mean' in settings:
        options[f'{_CROP}.area_normal'] = (settings['area_mean'], settings['area_std'])
    if 'delta' in settings:
        pipeline = cfg.train_dataloader.dataset.pipeline
        if settings['delta'] == 0 and any('Flow' in t['type'] for t in pipeline):
            raise ValueError(
                'the sweep over the distance of frames contains 0, for which stored flow has no '
                'place: use --data scenes, whose flow is estimated'
            )
        options |= {f'{key}.delta': settings['delta'] for key in datasets_of(cfg)}
    return options


def _dotted(node: Any, key: str) -> dict[str, Any]:
    """Dotted keys to the values below a key."""
    if not isinstance(node, dict):
        return {key: node}
    return {k: v for name, part in node.items() for k, v in _dotted(part, f'{key}.{name}').items()}
