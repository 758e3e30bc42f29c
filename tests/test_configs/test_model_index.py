"""The model index, its metafiles and the model zoo's page say what configs and results say."""

import json
import re
from functools import cache
from itertools import takewhile
from pathlib import Path

import pytest
import yaml
from mmengine.config import Config
from modelindex.load_model_index import load as load_model_index

from poodle_mm.catalog import CATALOG
from poodle_mm.checkpoints.encoder_checkpoint import encoder_of_config
from poodle_mm.engine.schedule import epochs_of_a_pass, repeats_of
from poodle_mm.evaluation.published import PUBLISHED
from poodle_mm.experiments.ablations.settings import DATA as SETTINGS
from poodle_mm.experiments.ablations.settings import datasets_of
from poodle_mm.experiments.ablations.studies import METHODS, TABLE_4
from poodle_mm.registry import MODELS

REPO = Path(__file__).resolve().parents[2]
PAPER_GPUS = 16  # of the configs that name no number of processes
FLOWS = dict(RAFTFlow='RAFT', DISFlow='DIS', UFlow='UFlow', CachedFlow='exact')
# Titles of data sets, by name and then by root.
DATA = {
    'bdd100k': 'BDD100K',
    'walking-tours': 'Walking Tours',
    'camvid': 'CamVid',
    'scenes': 'Synthetic driving scenes',
}
DATA = {CATALOG[name].root: title for name, title in DATA.items()}
DATA['data/driving_frames'] = DATA['data/driving_frames360'] = 'Driving videos'
DATA['data/scenes720'] = DATA[CATALOG['scenes'].root]
DATA['data/videos'] = 'Own videos'
OWN = 'poodle_r50_videos'  # of the headline configs the one that is not the paper's
COLLECTION_OF = dict(
    flowe='FlowE',
    byol='BYOL',
    densecl='DenseCL',
    dino='DINO',
    dora='DoRA',
    ibot='iBOT',
    mae='MAE',
    pixpro='PixPro',
)
VITS = {(384, 16): 'ViT-S/16', (96, 8): 'ViT-XS/8'}  # by width and patch
METRICS = [
    f'{readout} {metric}{which}'
    for readout, which in (('Linear', ''), ('Linear', ' (encoder alone)'), ('UperNet', ''))
    for metric in ('mIoU', 'Accuracy')
]


def metafiles() -> list[dict]:
    index = yaml.safe_load((REPO / 'model-index.yml').read_text(encoding='utf-8'))
    return [yaml.safe_load((REPO / f).read_text(encoding='utf-8')) for f in index['Import']]


ENTRIES = {entry['Name']: entry for meta in metafiles() for entry in meta['Models']}
COLLECTIONS = {c['Name']: c for meta in metafiles() for c in meta.get('Collections', [])}


def pretraining_configs() -> list[str]:
    found = (path.relative_to(REPO) for path in (REPO / 'configs').rglob('*.py'))
    other = {'_base_', 'downstream', 'flow'}
    return sorted(str(path) for path in found if not other & {*path.parts})


@cache
def config(name: str) -> Config:
    return Config.fromfile(REPO / ENTRIES[name]['Config'])


def test_each_pretraining_config_is_listed_once():
    listed = [entry['Config'] for meta in metafiles() for entry in meta['Models']]
    assert sorted(listed) == pretraining_configs()
    assert [Path(path).stem for path in listed] == list(ENTRIES)


def test_every_metafile_is_imported():
    index = yaml.safe_load((REPO / 'model-index.yml').read_text(encoding='utf-8'))
    found = [str(path.relative_to(REPO)) for path in (REPO / 'configs').rglob('metafile.yml')]
    assert sorted(index['Import']) == sorted(found)


def test_collections():
    """Each is there, and its files are; FlowE is PooDLe without what it lacks."""
    for name, entry in ENTRIES.items():
        method = name.split('_')[0]
        expected = COLLECTION_OF.get(method, 'PooDLe')
        assert entry['In Collection'] == expected
    assert {entry['In Collection'] for entry in ENTRIES.values()} == set(COLLECTIONS)
    for collection in COLLECTIONS.values():
        assert (REPO / collection['README']).is_file()
        assert collection['Code'].startswith('https://') or (REPO / collection['Code']).is_file()
        assert set(collection['Paper']) == {'Title', 'URL'}


@pytest.mark.parametrize('name', ENTRIES)
def test_metadata(name):
    """What the config says of itself, worked out from its keys."""
    cfg = config(name)
    found = dict(ENTRIES[name]['Metadata'])
    assert found.pop('Parameters') == encoder(name)[0]
    loader = cfg.train_dataloader
    gpus = 1 if name == OWN else cfg.get('processes', PAPER_GPUS)
    (part, *_) = loader.dataset.get('datasets', [loader.dataset])
    frames = part.get('num_frames', 1)  # of a clip, each counts
    pairs = loader.batch_size * repeats_of(loader.dataset) * gpus * frames
    expected = {
        'Batch Size': pairs,
        'Architecture': architecture(name),
        'Training Data': training_data(cfg),
    }
    if ENTRIES[name]['Results']:  # docs/results.md was written before the configs had two recipes
        expected['Note'] = 'results of an earlier recipe'
    if 'max_epochs' in cfg.train_cfg:
        expected['Epochs'] = cfg.train_cfg.max_epochs * epochs_of_a_pass(cfg)
        assert expected['Batch Size'] == cfg.auto_scale_lr.base_batch_size * frames
    else:
        expected['Iterations'] = cfg.train_cfg.max_iters
    if cfg.model.type == 'PooDLe':
        preprocessor = cfg.model.data_preprocessor
        heads = [part for part in ('dense', 'pooled') if cfg.model.get(f'{part}_head')]
        assert ('pooled' in heads) == bool(preprocessor.subcrops)
        expected |= {'Losses': heads, 'Flow': FLOWS[preprocessor.flow.type]}
    assert found == expected


def encoder(name: str) -> tuple[int, int | None]:
    """Parameters of a config's encoder, and the width of a ViT."""
    return _encoder(json.dumps(encoder_of_config(config(name)).backbone))


@cache
def _encoder(text: str) -> tuple[int, int | None]:
    model = MODELS.build(json.loads(text))
    return sum(p.numel() for p in model.parameters()), getattr(model, 'embed_dims', None)


def architecture(name: str) -> list[str]:
    model = config(name).model
    backbone, neck = model.backbone, model.get('neck') if model.type == 'PooDLe' else None
    if 'depth' not in backbone:
        vit = VITS[encoder(name)[1], backbone.patch_size]
        return [vit, *(['simple feature pyramid'] if neck else [])]
    width = f' ({backbone.base_channels} base channels)' if 'base_channels' in backbone else ''
    words = [f'ResNet-{backbone.depth}{width}']
    if max(backbone.get('dilations', (1,))) > 1:
        words.append('stride 8 by dilation')
    if model.type == 'PixPro' and model.get('neck'):
        words.append('FPN')
    if neck:
        lacking = [part for part in ('lateral', 'block') if neck.get(part, 'default') is None]
        words.append(' '.join(['SDM', *(f'without {part}s' for part in lacking)]))
    return words


def training_data(cfg: Config) -> list[str]:
    init = cfg.model.backbone.get('init_cfg') or {}
    names = ['ImageNet-1k'] if 'resnet50.imagenet1k' in init.get('checkpoint', '') else []
    for dataset in datasets_of(cfg).values():
        prefix = dataset.get('data_prefix', {}).get('path', '')
        which = f' ({Path(prefix).name.title()})' if prefix.startswith('videos/venice') else ''
        names.append(DATA[dataset.data_root] + which)
    return names


def test_nothing_is_published():
    assert all('Weights' in e and e['Weights'] is None for e in ENTRIES.values())


def figures(text: str) -> list[float]:
    """Numbers with a decimal point, standard deviations left out."""
    return [float(value) for value in re.findall(r'(?<!± )\b\d+\.\d+', text)]


def in_order(values: list[float], row: str) -> bool:
    rest = iter(figures(row))
    return all(value in rest for value in values)


def test_results_are_those_that_were_run():
    """Every result stands in a row of results.md, the method's or that of trained weights."""
    text = (REPO / 'docs' / 'results.md').read_text(encoding='utf-8')
    with_results = {name: entry['Results'] for name, entry in ENTRIES.items() if entry['Results']}
    demos = {n for n, e in ENTRIES.items() if '/demo/' in e['Config']}
    assert set(with_results) >= {name for name in demos if not name.endswith('_release')}
    for name, results in with_results.items():
        method = name.split('_')[0]
        for result in results:
            assert result['Task'] == 'Semantic Segmentation'
            assert result['Dataset'] in ENTRIES[name]['Metadata']['Training Data']
            metrics = result['Metrics']
            assert list(metrics) == [key for key in METRICS if key in metrics]
            values = list(metrics.values())
            found = [r for r in text.splitlines() if r.startswith('|') and in_order(values, r)]
            labels = [' '.join(re.findall(r'[a-z+-]+', r.casefold())) for r in found]
            assert labels, (name, values)
            # Rows are named after the method, or else after what is read out.
            readout = 'encoder +' if 'Linear mIoU' in metrics else 'encoder'
            own = re.compile(rf'{method}|{re.escape(readout)} (sdm )?pretrained')
            assert all(own.match(label) for label in labels), labels


def test_other_tools_read_the_index(monkeypatch):
    """OpenMMLab's reader finds no fault; MMPreTrain lists the models beside its own."""
    index = load_model_index(str(REPO / 'model-index.yml'))
    # READMEs are named from the root, as MIM wants, which this reader resolves differently.
    assert [error for error in index.check(silent=True) if 'README' not in error] == []
    full = {model.name: model.full_model for model in index.models}
    assert full['poodle_r18_scenes'].metadata.data['Training Techniques'][0] == 'AdamW'
    assert full['flowe_r50_bdd'].paper['URL'].endswith('2101.06553')

    from mmpretrain.apis import ModelHub, list_models

    monkeypatch.setattr(ModelHub, '_models_dict', {})
    monkeypatch.setattr(ModelHub, '_ModelHub__mmpretrain_registered', False)
    ModelHub._register_mmpretrain_models()  # a name that it has already would raise
    ModelHub.register_model_index(REPO / 'model-index.yml', config_prefix=REPO)
    assert set(ENTRIES) <= set(list_models())
    assert ModelHub.get('poodle_r18_scenes').config.model.type == 'PooDLe'


@cache
def page() -> str:
    return (REPO / 'docs' / 'model_zoo.md').read_text(encoding='utf-8')


def links(text: str) -> list[str]:
    inline = re.findall(r'\]\(([^)\s]+)\)', text)
    return inline + re.findall(r'^\[[^]]+\]: (\S+)$', text, flags=re.MULTILINE)


def anchors(path: Path) -> set[str]:
    """GitHub's: the heading in lower case, without punctuation, with hyphens for spaces."""
    headings = re.findall(r'^#+ (.+)$', path.read_text(encoding='utf-8'), flags=re.MULTILINE)
    return {re.sub(r'[^\w\- ]', '', heading.lower()).replace(' ', '-') for heading in headings}


def test_page_links():
    docs = REPO / 'docs'
    targets = [link for link in links(page()) if not link.startswith('http')]
    for target in targets:
        file, _, anchor = target.partition('#')
        assert (docs / file).resolve().is_file(), target
        assert not anchor or anchor in anchors(docs / file), target
    configs = [
        str((docs / target).resolve().relative_to(REPO.resolve()))
        for target in targets
        if target.endswith('.py')
    ]
    assert sorted(configs) == pretraining_configs()
    used = re.findall(r'\]\[([^]]+)\]', page())
    assert used and all(f'\n[{name}]: ' in page() for name in used)


def test_commands_name_files():
    paths = re.findall(r'\b((?:tools|configs)/[\w./-]+\.(?:sh|py))', page())
    assert paths and all((REPO / path).is_file() for path in paths)


def rows_of_the_page() -> dict[str, dict[str, str]]:
    """Name of the model to its row, by column."""
    rows, columns = {}, []
    for line in page().splitlines():
        cells = [cell.strip() for cell in line.strip().strip('|').split('|')]
        link = re.search(r'configs/\S+/?([^/\s]+)\.py\)', line)
        if line.startswith('|') and 'config' in cells:
            columns = cells
        elif line.startswith('|') and link:
            name = Path(link[0].rstrip(')')).stem
            rows[name] = dict(zip(columns, cells, strict=True))
    return rows


def papers_figures() -> dict[str, float]:
    """Linear mIoU that the paper prints, by model."""
    main = {
        (suite, row.table, row.method, row.pretrain, row.epochs): row.scores['linear', 'miou']
        for suite in ('bdd100k', 'ade20k')
        for row in PUBLISHED[suite]
        if ('linear', 'miou') in row.scores
    }
    wanted = {
        'poodle_r50_bdd': main['bdd100k', 1, 'PooDLe', 'BDD', '100'],
        'poodle_r50_bdd_in1k': main['bdd100k', 1, 'PooDLe', 'BDD*', '100'],
        'flowe_r50_bdd': main['bdd100k', 1, 'FlowE', 'BDD', '100'],
        'poodle_r50_wt-venice': main['ade20k', 2, 'PooDLe', 'WT-Venice', '20'],
        'poodle_r50_wt-all': main['ade20k', 2, 'PooDLe', 'WT-all', '20'],
        'dora_vit-s16_bdd_224x224_200e': main['bdd100k', 1, 'DoRA', 'BDD', '200'],
        'dora_vit-s16_wt-venice_224x224_100e': main['ade20k', 2, 'DoRA', 'WT-Venice', '100'],
        'dora_vit-s16_wt-all_224x224_100e': main['ade20k', 2, 'DoRA', 'WT-all', '100'],
        'dino_r50_bdd_224x224_100e': main['bdd100k', 1, 'DINO', 'BDD', '100'],
        'dino_vit-s16_bdd_224x224_300e': main['bdd100k', 1, 'DINO', 'BDD', '300'],
        'dino_r50_wt-venice_224x224_100e': 6.9,  # two rows differ in their encoders alone
        'dino_vit-s16_wt-venice_224x224_100e': 7.8,
        'ibot_vit-s16_bdd_224x224_800e': main['bdd100k', 1, 'iBOT', 'BDD', '800'],
        'densecl_r50_bdd_224x224_800e': main['bdd100k', 1, 'DenseCL', 'BDD', '800'],
        'densecl_r50_bdd_224x224_100e': main['bdd100k', None, 'DenseCL', 'BDD', '100'],
        'pixpro_r50_bdd_224x224_100e': main['bdd100k', 1, 'PixPro', 'BDD', '100'],
        'pixpro_r50_wt-venice_224x224_100e': main['ade20k', 2, 'PixPro', 'WT-Venice', '100'],
        'mae_vit-s16_wt-venice_224x224_300e': main['ade20k', 2, 'MAE', 'WT-Venice', '-'],
        'mae_vit-s16_wt-all_224x224_300e': main['ade20k', 2, 'MAE', 'WT-all', '-'],
    }
    # The authors' figures come from their code; the text describes the same runs.
    wanted |= {f'{name.replace("bdd_in1k", "bdd-in1k")}_release': v for name, v in wanted.items()}
    for variant in TABLE_4.variants:
        if variant.paper:
            wanted[f'{variant.method}_r50_bdd_256x512_40e'] = variant.paper['miou']
    return wanted


HEADLINE = [name for name in ENTRIES if ENTRIES[name]['Config'] == f'configs/{name}.py']


@pytest.mark.parametrize('name', HEADLINE)
def test_header_of_a_headline_config(name):
    """It says how to run it, on what, how long, and what the paper prints."""
    lines = (REPO / ENTRIES[name]['Config']).read_text(encoding='utf-8').splitlines()
    header = list(takewhile(lambda line: line.startswith('#'), lines))
    assert len(header) <= 8
    text = '\n'.join(header)
    if name == OWN:
        assert f'tools/train.py configs/{name}.py --data-root DIR' in text
        last = f'work_dirs/{name}/iter_{ENTRIES[name]["Metadata"]["Iterations"]}.pth'
        assert last in text and '8 pairs a GPU' in text and 'not measured' in text
        return
    assert f'bash tools/dist_train.sh configs/{name}.py {PAPER_GPUS}' in text
    epochs = ENTRIES[name]['Metadata']['Epochs']
    suite = 'ade20k' if '_wt-' in name else 'bdd100k'
    assert f'tools/evaluate.py work_dirs/{name}/epoch_{epochs}.pth --suite {suite}' in text
    assert f'{PAPER_GPUS} GPUs' in text and 'not measured' in text
    if '_vit-' in name:
        assert 'appendix G' in text  # which prints no figures
    else:
        assert f'The paper: {papers_figures()[name]} mIoU' in text


@cache
def compared() -> set[str]:
    """Configs of the methods under one budget, whose results are kept."""
    names = set()
    for data in METHODS.data:
        file = REPO / 'docs' / 'results' / f'methods_{data}.json'
        run = {row['key'] for row in json.loads(file.read_text('utf-8'))['rows'] if row['seeds']}
        rows = [v for v in METHODS.variants if v.method and v.key in run]
        files = [SETTINGS[data].config(REPO / 'configs', v.method, v.arch) for v in rows]
        names |= {config.stem for config, overlay in files if not overlay}
    return names


@pytest.mark.parametrize('name', ENTRIES)
def test_row_of_the_page(name):
    row, meta = rows_of_the_page()[name], ENTRIES[name]['Metadata']
    if 'Epochs' in meta:
        assert row['length'] == f'{meta["Epochs"]} epochs'
    else:
        unit = 'pairs' if 'Flow' in meta else 'frames'
        assert row['length'] == f'{meta["Iterations"] * meta["Batch Size"]:,} {unit}'

    if 'paper' in row:
        printed = papers_figures().get(name)
        assert figures(row['paper']) == ([] if printed is None else [printed])
        assert printed is not None or row['paper'] == '–'
    if 'row' in row:
        keys = {v.method: v.key for v in TABLE_4.variants if v.method}
        key = '' if '_vit-' in name else keys.get(name.split('_')[0], '')
        assert row['row'].strip('`') == key

    metrics = {k: v for r in ENTRIES[name]['Results'] or [] for k, v in r['Metrics'].items()}
    linear = [value for key, value in metrics.items() if key.startswith('Linear mIoU')]
    if linear:  # of pooled-only both are the same readout
        assert figures(row['here']) == (linear if len(linear) == 2 else linear * 2)
        assert row['here'].endswith(', earlier recipe')
    elif name in compared():
        assert row['here'] == 'results.md, 12,800 frames'
    elif '-cells_' in name or '-large_' in name:
        assert row['here'] == 'evidence.md, 16,000 pairs'
    elif name == 'poodle_r18_scenes-exact_96x192':
        assert row['here'] == 'results.md, earlier recipe'
    else:
        assert row['here'] == '–'  # needs GPUs, or weights that nobody has, or has not been run
