"""A damaged or foreign checkpoint is never taken for a good one."""

import os

import pytest
import torch
from mmengine.hooks import Hook

from poodle_mm.engine import AtomicCheckpointHook, resumable
from poodle_mm.engine.hooks.checkpoint_hook import (
    AtomicLocalBackend,
    _forget_best,
)
from poodle_mm.engine.resumable import check_resumable, find_resumable, last_resumable

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
    assert list(path.parent.iterdir()) == [path]  # what a full disk had no room for is gone
    monkeypatch.undo()
    AtomicLocalBackend().put(b'new', path)
    assert path.read_bytes() == b'new'
    assert list(path.parent.iterdir()) == [path]


def test_a_flipped_bit_inside_a_tensor_is_found(tmp_path):
    path = save(tmp_path / 'iter_1.pth', dict(WHOLE, state_dict=dict(w=torch.full((1000,), 3.0))))
    check_resumable(path)
    content = bytearray(path.read_bytes())
    place = content.index(torch.full((100,), 3.0).numpy().tobytes())
    content[place + 402] ^= 1
    path.write_bytes(content)
    assert torch.load(path)['state_dict']['w'].isfinite().all()  # torch takes it
    with pytest.raises(ValueError, match=r'iter_1\.pth is damaged.*checksum'):
        check_resumable(path)


def at(iteration: int, **world) -> dict:
    """A whole checkpoint of an iteration."""
    meta = dict(iter=iteration, epoch=0)
    return dict(WHOLE, meta=dict(meta, world=world) if world else meta)


def test_find_resumable_takes_the_furthest_whole_one(tmp_path):
    """By its own iteration: a copied folder has other times, and 9 is before 10."""
    assert find_resumable(tmp_path) is None
    (tmp_path / 'last_checkpoint').write_text('')  # what a kill may leave
    assert find_resumable(tmp_path) is None
    save(tmp_path / 'iter_9.pth', at(9), age=10)
    good = save(tmp_path / 'iter_10.pth', at(10), age=20)
    torn = save(tmp_path / 'iter_20.pth', at(20))
    torn.write_bytes(torn.read_bytes()[:-100])
    (tmp_path / 'iter_30.pth').touch()
    save(tmp_path / 'best.pth', dict(meta={}, state_dict={}), age=10)
    save(tmp_path / 'someone_elses.pth', at(99))
    assert find_resumable(tmp_path) == str(good)
    stopped = save(tmp_path / 'stopped_iter_11.pth', at(11), age=30)
    assert find_resumable(tmp_path) == str(stopped)


def test_iterations_of_another_batch_compare_by_samples(tmp_path):
    """1000 iterations of 2, then resumed with a batch of 4: 600 of those are further."""
    old = save(tmp_path / 'iter_1000.pth', at(1000, progress=2000))
    new = save(tmp_path / 'iter_600.pth', at(600, progress=2400), age=10)
    assert find_resumable(tmp_path) == str(new)
    save(old, at(1000))  # an older version's: only iterations are left to compare
    assert find_resumable(tmp_path) == str(old)


def test_starting_anew_and_a_finished_run_are_said(make_runner, tmp_path, monkeypatch):
    said = []
    monkeypatch.setattr(resumable, 'warn', said.append)
    assert last_resumable(tmp_path) is None
    (tmp_path / 'epoch_3.pth').write_bytes(b'PK')
    assert last_resumable(tmp_path) is None
    assert said[0] == f'{tmp_path} holds no checkpoint: the run starts anew'
    assert 'epoch_3.pth is damaged' in said[1]
    assert '1 cannot be used): the run starts anew' in said[2]

    make_runner().train()
    again = make_runner(resume=True)
    monkeypatch.setattr(again.logger, 'warning', said.append)
    again.train()
    assert said[-1].startswith('This run is finished: 8 of 8 iterations are done')


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
    good = save(tmp_path / 'iter_9.pth', at(9))
    bad = save(tmp_path / 'iter_10.pth', at(10) | part)
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


def test_weights_of_another_depth_are_refused(make_runner, tmp_path):
    """MMEngine itself would log the mismatch and train on from random weights."""
    runner = make_runner()
    runner.train()
    weights = str(tmp_path / 'run' / 'epoch_1.pth')
    model = runner.cfg.model.copy()
    model.backbone = model.backbone | dict(depth=34)
    other = make_runner('other', model=model, load_from=weights, resume=True)
    with pytest.raises(
        ValueError,
        match=r'(?s)epoch_1\.pth does not fit the model:.*missing.*backbone\.layer\d\.\d',
    ):
        other.train()
    model.backbone = model.backbone | dict(depth=50)
    other = make_runner('other', model=model, load_from=weights)
    with pytest.raises(ValueError, match=r'of another shape.*backbone\.layer1\.0.* instead of'):
        other.train()


def test_a_checkpoint_does_not_name_what_is_deleted(tmp_path):
    """MMEngine deletes the best checkpoint of which the file speaks once there is a better one."""
    own, other = str(tmp_path / 'best_acc.pth'), str(tmp_path.parent / 'valuable')
    for path, kept in [(own, True), (other, False)]:
        info = dict(best_ckpt=path, best_score=1.0)
        _forget_best(dict(message_hub=dict(runtime_info=info)), str(tmp_path))
        assert ('best_ckpt' in info) == kept and info['best_score'] == 1.0
