"""Config files cannot read the catalog: they repeat its folders, types and numbers, correctly."""

from collections.abc import Iterator
from importlib import import_module
from pathlib import Path

import pytest
from mmengine.config import Config

from poodle_mm.catalog import CATALOG
from poodle_mm.experiments.ablations.settings import DATA, datasets_of

CONFIGS = Path(__file__).resolve().parents[2] / 'configs'
READOUTS = CONFIGS / 'downstream'
MMSEG = [
    p for p in sorted(READOUTS.glob('mmseg/_base_/datasets/*_*.py')) if p.stem != 'random_crops'
]
PRETRAINING = [
    path
    for path in sorted(CONFIGS.rglob('*.py'))
    if not {'_base_', 'downstream'} & {*path.relative_to(CONFIGS).parts}
]
LARGE_SCENES = 'data/scenes720'  # the scenes at the paper's size of frames
OTHER_VIDEOS = (
    'data/driving_frames',
    'data/driving_frames360',
)  # videos of the user's own beside CamVid's
KITTI = 'data/kitti2015'  # for the flow network only
OWN_VIDEOS = 'data/videos'  # and alone


def loaders(cfg: Config) -> Iterator[tuple[str, Config]]:
    """Split and data sets of a readout's loaders."""
    for split in ('train', 'val', 'test'):
        dataset = cfg[f'{split}_dataloader'].dataset
        for part in dataset.get('datasets', [dataset]):
            yield split, part


@pytest.mark.parametrize('path', MMSEG, ids=lambda path: path.stem)
def test_segmentation_data(path):
    pytest.importorskip('mmseg')
    from mmseg.registry import DATASETS

    import_module('poodle_mm.evaluation.segmentation')  # registers CamVidDataset
    entry = CATALOG[path.stem.split('_')[0]]
    for split, dataset in loaders(Config.fromfile(path)):
        if split == 'test' and ('test' not in entry.splits or not entry.splits['test'].labels):
            split = 'val'
        assert (dataset.type, dataset.data_root) == (entry.mmseg, entry.root)
        built = DATASETS.build(
            dict(dataset, type=f'mmseg.{dataset.type}', pipeline=[], lazy_init=True)
        )
        assert built.data_prefix == dict(
            img_path=f'{entry.root}/{entry.splits[split].images}',
            seg_map_path=f'{entry.root}/{entry.splits[split].labels}',
        )
        for key in ('img_suffix', 'seg_map_suffix', 'reduce_zero_label'):
            assert getattr(built, key) == getattr(entry, key), key
        assert len(built.metainfo['classes']) == entry.num_classes


def test_every_readout_has_the_classes_of_its_data():
    for path in READOUTS.glob('mmseg/*.py'):
        head = Config.fromfile(path).model.decode_head
        assert head.num_classes == CATALOG[path.stem.split('_')[-1]].num_classes, path


@pytest.mark.parametrize('name', ['bdd100k', 'scenes_216x384', 'scenes_432x768'])
def test_detection_data(name):
    cfg = Config.fromfile(READOUTS / 'mmdet' / '_base_' / 'datasets' / f'{name}.py')
    entry = CATALOG[name.split('_')[0]]
    for split, dataset in loaders(cfg):
        assert dataset.data_root == entry.root
        if name != 'bdd100k':  # whose boxes are those of other images, data/bdd100k/images/100k
            assert dataset.data_prefix.img == entry.splits[split].images
    for split in ('val', 'test'):
        assert cfg[f'{split}_evaluator'].ann_file.startswith(f'{entry.root}/')


@pytest.mark.parametrize('path', PRETRAINING, ids=lambda path: path.stem)
def test_pretraining_data(path):
    entries = {entry.root: entry for entry in CATALOG.values()}
    entries[LARGE_SCENES] = CATALOG['scenes']
    for dataset in datasets_of(Config.fromfile(path)).values():
        if dataset.data_root in OTHER_VIDEOS:
            assert dataset.source == 'frames'
            continue
        if dataset.data_root == OWN_VIDEOS:
            assert (dataset.source, dataset.data_prefix.path) == ('clips', '')
            continue
        if dataset.data_root == KITTI:
            assert (dataset.source, dataset.data_prefix.path) == ('frames', 'testing/image_2')
            continue
        entry = entries[dataset.data_root]
        if dataset.source == 'frames':
            assert dataset.data_prefix.path == entry.splits['train'].images
        else:  # the folder, or one of its videos
            folders = [v.folder for split, v in entry.videos.items() if split.startswith('train')]
            assert dataset.source in ('videos', 'clips')
            path = dataset.data_prefix.path + '/'
            assert any(path.startswith(folder + '/') for folder in folders)


def test_the_studies_data_are_those_of_their_configs():
    for setting in DATA.values():
        cfg = Config.fromfile(setting.config(CONFIGS, 'poodle')[0])
        roots = [dataset.data_root for dataset in datasets_of(cfg).values()]
        large = setting.name == 'scenes-cells'
        assert roots[0] == (LARGE_SCENES if large else CATALOG[setting.suite].root)
