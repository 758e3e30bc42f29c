"""The tutorials, run as they stand with small networks and data."""

import re
from pathlib import Path

import cv2
import numpy as np
import pytest
import torch

from poodle_mm.apis import load_encoder
from tests.test_checkpoints.authors import TINY_POODLE, save_authors_file, their_state, tiny_model
from tests.test_evaluation.conftest import labelled_set  # noqa: F401
from tests.test_models.tiny import random_views
from tests.transcripts import blocks_of, run_blocks, write_clip

pytestmark = pytest.mark.slow
# In a folder with the checkout's tools; data sets and lengths for a CPU.
IN_A_CHECKOUT = """
ln -s "$REPO"/{configs,tools} .
python() {
    case "$1" in
        tools/make_scenes.py) mkdir -p data && ln -s "$LABELLED" data/scenes ;;
        tools/evaluate.py) "$PYTHON" "$@" --size 64 128 --iters 2 ;;
        *) "$PYTHON" "$@" ;;
    esac
}
"""
IN_A_PROJECT = """
python() {
    case "$1" in
        mmsegmentation/tools/*) "$PYTHON" "$@" --cfg-options $SMALL ;;
        *) "$PYTHON" "$@" ;;
    esac
}
"""
SMALL = """train_cfg.max_iters=3 train_cfg.val_interval=3 train_dataloader.num_workers=0
    train_dataloader.persistent_workers=False val_dataloader.num_workers=0
    val_dataloader.persistent_workers=False test_dataloader.num_workers=0
    test_dataloader.persistent_workers=False train_dataloader.dataset.pipeline.2.scale=(128,64)
    model.backbone.depth=18 model.backbone.base_channels=8 model.backbone.stem_channels=8
    model.decode_head.in_channels=8,16,32,64 model.decode_head.channels=8
    model.auxiliary_head.in_channels=32 model.auxiliary_head.channels=8"""


@pytest.fixture(scope='module')
def pages(repo) -> Path:
    return repo / 'docs' / 'tutorials'


def test_authors_checkpoints(pages, repo, labelled_set, tmp_path):  # noqa: F811
    model = tiny_model()
    (tmp_path / 'Downloads').mkdir()
    save_authors_file(tmp_path / 'Downloads' / 'checkpoint-100.pth', their_state(model))
    write_clip(tmp_path / 'my videos' / 'drive.mp4')
    said = run_blocks(
        blocks_of(pages / 'authors_checkpoints.md'),
        tmp_path,
        repo,
        IN_A_CHECKOUT,
        LABELLED=str(labelled_set),
    )
    assert 'frame 15, 1.5 s: (64, 64, 128), stride 8' in said
    for name in ('drive/000000.npz', 'drive/000015.npz', 'pca.png'):
        assert (tmp_path / 'work_dirs/features' / name).is_file()
    table = (tmp_path / 'work_dirs/evaluate/scenes.md').read_text()
    assert '| PooDLe |' in table and '| random |' in table
    (published,) = (tmp_path / 'models').glob('poodle-*.pth')
    assert_same(torch.load(published)['state_dict'], model.backbone.state_dict())


def test_mmseg_transfer(pages, repo, tmp_path):
    pytest.importorskip('mmseg')
    write_labelled_images(tmp_path / 'my_project' / 'data')
    (tmp_path / 'models').mkdir()
    encoder = tiny_model().backbone
    torch.save(dict(state_dict=encoder.state_dict()), tmp_path / 'models' / 'poodle-12345678.pth')
    blocks = blocks_of(pages / 'mmseg_transfer.md')
    said = run_blocks(blocks, tmp_path, repo, IN_A_PROJECT, SMALL=SMALL)
    assert 'mIoU' in said
    project = tmp_path / 'my_project'
    trained = torch.load(project / 'work_dirs/upernet_mine/iter_3.pth', weights_only=False)
    trained = trained['state_dict']['backbone.conv1.weight']
    change = (trained - encoder.conv1.weight).abs().max()
    assert 0 < change < 0.5 * encoder.conv1.weight.abs().max()  # fine-tuned from the file

    # the message that the page shows
    text = (pages / 'mmseg_transfer.md').read_text(encoding='utf-8')
    (page,) = re.findall(r'^```text\n(.*?)^```$', text, re.MULTILINE | re.DOTALL)
    wrong = [b.edited(("type='ResNet',\n", '\n')) if b.file else b for b in blocks]
    with pytest.raises(AssertionError) as error:
        run_blocks(wrong, tmp_path, repo, IN_A_PROJECT, SMALL=SMALL)
    assert page in str(error.value)


def test_add_a_method(pages, repo, tmp_path, monkeypatch):
    for name in 'ab':
        write_clip(tmp_path / 'my videos' / f'{name}.mp4')
    said = run_blocks(blocks_of(pages / 'add_a_method.md'), tmp_path, repo)
    project = tmp_path / 'my_project'
    values = [float(v) for v in re.findall(r'loss_dense: (\S+)', said)]
    assert len(values) == 3 and all(0 < value < 8 for value in values)
    (published,) = (project / 'models').glob('simsiam-*.pth')
    assert load_encoder(published).stride == 8

    monkeypatch.syspath_prepend(str(project))
    import pixel_simsiam

    small = {k: TINY_POODLE[k] for k in ('backbone', 'neck', 'dense_head')}
    torch.manual_seed(0)
    views = dict(type='FramePairPreprocessor', flow=dict(type='DISFlow'), subcrops=None)
    model = pixel_simsiam.PixelSimSiam(**small, data_preprocessor=views)
    views = random_views()
    losses = model(views)
    losses['loss_dense'].backward()
    assert all(p.grad is not None for p in model.parameters())
    # Predictions that are the same whatever the input: only targets could carry a gradient back.
    model.zero_grad()
    for parameter in model.dense_head.predictor.parameters():
        parameter.data.zero_()
    model.dense_head.predictor[-1].bias.data.fill_(1)
    model(views)['loss_dense'].backward()
    assert all(p.grad is None or not p.grad.any() for p in model.backbone.parameters())


def write_labelled_images(root: Path) -> None:
    """Bright upper halves (class 1) above dark lower ones (0)."""
    for split in ('train', 'val'):
        for kind in ('images', 'labels'):
            (root / kind / split).mkdir(parents=True)
        for index in range(4):
            label = np.zeros((64, 128), np.uint8)
            label[: 20 + 6 * index] = 1
            image = np.repeat(60 + 120 * label[..., None], 3, axis=2)
            cv2.imwrite(str(root / 'images' / split / f'{index}.jpg'), image)
            cv2.imwrite(str(root / 'labels' / split / f'{index}.png'), label)


def assert_same(found: dict[str, torch.Tensor], expected: dict[str, torch.Tensor]) -> None:
    assert found.keys() == expected.keys()
    assert all(torch.equal(found[key], expected[key]) for key in expected)
