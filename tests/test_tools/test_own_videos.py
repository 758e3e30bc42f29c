"""docs/own_videos.md, run as it stands on three clips in a folder with a space in its name."""

import re
from dataclasses import replace
from pathlib import Path

import pytest

from tests.transcripts import blocks_of, run_blocks, write_clip

pytestmark = pytest.mark.slow
NETWORK = 'depth=18, base_channels=8, stem_channels=8'
# What the transcript gets beside its own arguments: a network for a CPU, and a short run.
SMALL = """--iters 21 --cfg-options default_hooks.logger.interval=3
    train_dataloader.batch_size=2 train_dataloader.num_workers=0
    train_dataloader.dataset.pipeline.0.size=64,128
    train_dataloader.dataset.pipeline.0.short_side=144
    model.data_preprocessor.flow._delete_=True model.data_preprocessor.flow.type=DISFlow
    model.data_preprocessor.subcrops.size=32 model.data_preprocessor.subcrops.num=2
    model.backbone.depth=18 model.backbone.base_channels=8 model.backbone.stem_channels=8
    model.neck.in_channels=16,32,64 model.dense_head.in_channels=64
    model.dense_head.hidden_channels=16 model.dense_head.out_channels=8
    model.pooled_head.in_channels=64 model.pooled_head.hidden_channels=16
    model.pooled_head.out_channels=8"""
# git, the set-up and python as the transcript calls them, for this checkout and environment.
STAND_INS = """
git() { mkdir -p poodle_mm/.venv/bin; ln -s "$REPO"/{configs,tools} poodle_mm/; }
bash() { test "$*" = tools/setup_env.sh; touch .venv/bin/activate; }
python() {
    if [ "$1" = tools/train.py ]; then "$PYTHON" "$@" $SMALL > train.out 2> train.err
    else "$PYTHON" "$@"; fi
}
"""

# The backbone holds the file's tensors, all of them, and the model runs.
CHECK = """
import torch

saved = torch.load(encoder, weights_only=True)['state_dict']
found = model.backbone.state_dict()
assert saved.keys() == found.keys()
assert all(torch.equal(found[key], value) for key, value in saved.items())
assert model.eval()(torch.zeros(1, 3, 64, 64)).shape[:2] == (1, 19)
"""


@pytest.fixture(scope='module')
def checkout(repo, tmp_path_factory) -> Path:
    """Folder that the transcript made and worked in; ``train.out`` has what training printed."""
    home = tmp_path_factory.mktemp('home')
    for i in range(3):
        write_clip(home / 'my videos' / 'last summer' / f'{i}.mp4', seed=i)
    *commands, use = blocks_of(repo / 'docs' / 'own_videos.md')
    assert {block.language for block in commands} == {'bash'} and use.language == 'python'
    use = use.edited(('depth=50', NETWORK), ('2048', '64'), ('channels=512', 'channels=8'))
    use = replace(use, code=use.code + CHECK)
    said = home / 'poodle_mm' / 'train.err'
    try:
        run_blocks([*commands, use], home, repo, STAND_INS, SMALL=SMALL)
    except AssertionError as error:
        raise AssertionError(f'{error}\n{said.read_text() if said.exists() else ""}') from error
    return home / 'poodle_mm'


def test_the_transcript_ends_in_a_published_encoder(checkout):
    (file,) = (checkout / 'models').iterdir()
    assert re.fullmatch(r'mine-[0-9a-f]{8}\.pth', file.name)
    assert [p.name for p in sorted((checkout / 'work_dirs/mine').glob('*.pth'))] == ['iter_21.pth']
    assert len(list((checkout / 'work_dirs/mine/pictures').iterdir())) == 2


def test_the_first_loss_comes_early(checkout):
    lines = (checkout / 'train.out').read_text().splitlines()
    before = len((checkout / 'train.err').read_text().splitlines())
    first = next(number for number, line in enumerate(lines, 1) if ' loss: ' in line)
    assert before + first <= 25
    shown = '\n'.join(lines[:first])
    for words in ('3 files, 9 s, 45 samples; an epoch is 45 pairs in 22 steps', '2 pairs a step'):
        assert words in shown
    assert f'{5e-4 * 2 / 128:.3g} at its peak' in shown
    assert any(re.search(r'About \d+ s to go', line) for line in lines)
    assert not any('Config:' in line or 'priority' in line for line in lines)


def test_the_log_file_has_the_rest(checkout):
    (log,) = (checkout / 'work_dirs/mine').glob('*/*.log')
    text = log.read_text()
    for words in ('System environment', 'Config:', 'Hooks will be executed', 'Name of parameter'):
        assert words in text
    assert 'Plan (log' in text and ' loss: ' in text
