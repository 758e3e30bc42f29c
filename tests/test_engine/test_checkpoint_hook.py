"""A damaged or foreign checkpoint is never taken for a good one."""

import os

import pytest
import torch
from mmengine.hooks import Hook

from poodle_mm.engine import AtomicCheckpointHook
from poodle_mm.engine.checkpoint_hook import (
    AtomicLocalBackend,
    check_resumable,
    check_state_dict,
    find_resumable,
)

WHOLE = dict(meta={}, state_dict=dict(w=torch.zeros(1000)), optimizer={}, message_hub={})


def save(path, content=WHOLE, age: int = 0):
    torch.save(content, path)
    os.utime(path, (1e9 - age, 1e9 - age))
    return path


def test_old_file_survives_a_failed_write(tmp_path, monkeypatch):
    path = tmp_path / 'sub' / 'a.pth'
    AtomicLocalBackend().put(b'old', path)
    monkeypatch.setattr(os, 'fsync', lambda _: (_ for _ in ()).throw(OSError('disk full')))
    with pytest.raises(OSError, match='disk full'):
        AtomicLocalBackend().put(b'new', path)
    assert path.read_bytes() == b'old'
    monkeypatch.undo()
    AtomicLocalBackend().put(b'new', path)
    assert path.read_bytes() == b'new'
    assert list(path.parent.iterdir()) == [path]


def test_find_resumable_takes_the_newest_whole_one(tmp_path):
    assert find_resumable(tmp_path) is None
    (tmp_path / 'last_checkpoint').write_text('')  # what a kill may leave
    assert find_resumable(tmp_path) is None
    save(tmp_path / 'iter_10.pth', age=30)
    good = save(tmp_path / 'iter_9.pth', age=20)
    torn = save(tmp_path / 'iter_20.pth')
    torn.write_bytes(torn.read_bytes()[:-100])
    (tmp_path / 'iter_30.pth').touch()
    save(tmp_path / 'best.pth', dict(meta={}, state_dict={}), age=10)
    assert find_resumable(tmp_path) == str(good)


class BreakGradient(Hook):
    """Makes the first weight's gradient NaN in one iteration, whose loss is still finite."""

    def __init__(self, iteration: int) -> None:
        self.iteration = iteration

    def before_train(self, runner) -> None:
        def broken(gradient):
            return gradient * float('nan') if runner.iter == self.iteration else gradient

        next(runner.model.backbone.parameters()).register_hook(broken)


def test_broken_weights_are_not_saved(make_runner, tmp_path):
    """The step of iteration 8, the last of epoch 2, breaks the weights: epoch 1 stays newest."""
    runner = make_runner()
    runner.register_hook(BreakGradient(7))
    clean = tmp_path / 'run' / 'epoch_1.pth'
    message = rf'iteration 8: .*backbone\.conv1\.weight.*--resume goes on from {clean}'
    with pytest.raises(FloatingPointError, match=message):
        runner.train()
    assert list((tmp_path / 'run').glob('*.pth')) == [clean]


@pytest.mark.parametrize(
    ('part', 'name'),
    [
        (dict(state_dict={'a': torch.ones(2), 'target.module.a': torch.tensor([1, torch.nan])}),
         'target.module.a'),
        (dict(optimizer=dict(state={3: dict(exp_avg=torch.tensor(-torch.inf))})),
         'optimizer.state.3.exp_avg'),
    ],
)  # fmt: skip
def test_broken_checkpoints_are_passed_over(tmp_path, part, name):
    good = save(tmp_path / 'iter_9.pth', age=20)
    bad = save(tmp_path / 'iter_10.pth', WHOLE | part)
    with pytest.raises(ValueError, match=rf'iter_10\.pth .*1 tensors are not finite \({name}\)'):
        check_resumable(bad)
    assert find_resumable(tmp_path) == str(good)


def test_check_resumable_names_the_file(tmp_path):
    with pytest.raises(FileNotFoundError, match=r'nothing\.pth does not exist'):
        check_resumable(tmp_path / 'nothing.pth')
    torn = save(tmp_path / 'torn.pth')
    torn.write_bytes(torn.read_bytes()[:500])
    with pytest.raises(ValueError, match=r'torn\.pth is damaged'):
        check_resumable(torn)
    weights = save(tmp_path / 'weights.pth', dict(state_dict={}, meta={}))
    with pytest.raises(ValueError, match=r'weights\.pth has no optimizer.*load_from'):
        check_resumable(weights)
    check_resumable(save(tmp_path / 'good.pth'))


def test_one_kept_checkpoint_is_too_few():
    with pytest.raises(ValueError, match='keep 2 or more'):
        AtomicCheckpointHook(max_keep_ckpts=1)


def test_check_state_dict():
    model = dict(a=torch.zeros(2), b=torch.zeros(3))
    check_state_dict(model, dict(a=torch.ones(2)), strict=False)
    check_state_dict(model, {'module.a': torch.ones(2), 'module.b': torch.ones(3)}, strict=True)
    with pytest.raises(ValueError, match=r'b is \(4,\) in the checkpoint and \(3,\)'):
        check_state_dict(model, dict(b=torch.zeros(4)), strict=False)
    with pytest.raises(ValueError, match=r'1 tensors .* b \(only in the model\)'):
        check_state_dict(model, dict(a=torch.zeros(2)), strict=True)
    with pytest.raises(ValueError, match=r'3 tensors'):
        check_state_dict(model, dict(c=torch.zeros(2)), strict=False)


def test_weights_of_another_depth_are_refused(make_runner, tmp_path):
    """MMEngine itself would log the mismatch and train on from random weights."""
    runner = make_runner()
    runner.train()
    weights = str(tmp_path / 'run' / 'epoch_1.pth')
    model = runner.cfg.model.copy()
    model.backbone = model.backbone | dict(depth=34)
    other = make_runner('other', model=model, load_from=weights, resume=True)
    with pytest.raises(ValueError, match=r'backbone\.layer\d\.\d.*only in the model'):
        other.train()
    model.backbone = model.backbone | dict(depth=50)
    other = make_runner('other', model=model, load_from=weights)
    with pytest.raises(ValueError, match=r'backbone\.layer1\.0.* in the checkpoint and'):
        other.train()
