"""The authors' file becomes a checkpoint of ours from which training goes on."""

import os
import subprocess
import sys

import pytest
import torch
from mmengine.runner import Runner

from poodle_mm.checkpoints.convert_release import convert_release, finished_epochs
from poodle_mm.checkpoints.release_optimizer import decay_groups
from poodle_mm.engine.resumable import check_resumable
from poodle_mm.registry import MODELS
from tests.test_checkpoints.authors import (
    TINY_POODLE,
    named_groups,
    optimizer_of,
    save_authors_file,
    their_state,
    their_tensor,
    tiny_model,
)
from tests.test_checkpoints.test_release import assert_same_tensors, flowe_model
from tests.test_engine.toy_pairs import toy_config

STEPS, EPOCHS = 6, 2


def their_optimizer(model, state, moments, scale=1.0, lr=1e-3) -> dict:
    """AdamW's state in the order of the authors' network.

    Args:
        model: Ours.
        state: The authors' tensors; a parameter of ours and theirs share memory.
        moments: Our name to step, exp_avg and exp_avg_sq.
        scale: Of the authors' loss over ours.
    """
    shared = {p.data_ptr(): k for k, p in model.named_parameters() if p.requires_grad}
    theirs = [(k, v) for k, v in state.items() if v.data_ptr() in shared]
    groups = named_groups(theirs)
    optimizer = optimizer_of([[v for _, v in g] for g in groups], lr=lr, eps=1e-8 * scale)
    found = optimizer.state_dict()
    for index, (_, value) in enumerate(groups[0] + groups[1]):
        name = shared[value.data_ptr()]
        ours = moments[name]
        found['state'][index] = dict(
            step=ours['step'].clone(),
            exp_avg=their_tensor(name, ours['exp_avg'] * scale),
            exp_avg_sq=their_tensor(name, ours['exp_avg_sq'] * scale**2),
        )
    return found


def random_moments(model) -> dict:
    return {
        k: dict(step=torch.tensor(float(STEPS)), exp_avg=torch.randn_like(p), exp_avg_sq=p**2)
        for k, p in model.named_parameters()
        if p.requires_grad
    }


def their_file(path, model, scale=1.0, **kwargs):
    state = their_state(model)
    moments = random_moments(model)
    optimizer = their_optimizer(model, state, moments, scale)
    return save_authors_file(path, state, optimizer, EPOCHS, **kwargs), moments


def test_converted_file(tmp_path):
    """Weights, target, config; the moments land at their parameters."""
    model = tiny_model()
    path, moments = their_file(tmp_path / 'checkpoint-2.pth', model)
    line = convert_release(path, tmp_path / 'ours.pth')
    assert 'PooDLe, epoch 2, update 6, with the optimizer' in line
    content = torch.load(tmp_path / 'ours.pth', weights_only=True)
    assert content['meta']['epoch'] == EPOCHS and content['meta']['iter'] == STEPS
    assert content['meta']['converter']['source'] == 'checkpoint-2.pth'
    assert_same_tensors(
        content['state_dict'], model.state_dict() | {'target.steps': torch.tensor(STEPS)}
    )
    fresh = MODELS.build(TINY_POODLE)
    fresh.load_state_dict(content['state_dict'], strict=True)
    trained = [(k, p) for k, p in fresh.named_parameters() if p.requires_grad]
    groups = named_groups(trained)
    assert decay_groups(content['state_dict']) == [[k for k, _ in g] for g in groups]
    optimizer = optimizer_of([[p for _, p in g] for g in groups])
    optimizer.load_state_dict(content['optimizer'])
    for name, parameter in trained:
        found = optimizer.state[parameter]
        for key, value in moments[name].items():
            torch.testing.assert_close(found[key], value, msg=f'{key} of {name}')
    assert [g['weight_decay'] for g in optimizer.param_groups] == [0.0, 0.05]
    assert optimizer.param_groups[0]['eps'] == pytest.approx(1e-8)
    with pytest.raises(ValueError, match='no message_hub'):
        check_resumable(tmp_path / 'ours.pth')


def test_our_training_through_their_names_and_back(tmp_path):
    """A run of ours, written as the authors would and converted, is the run's own checkpoint."""
    overrides = dict(
        optim_wrapper=dict(
            type='OptimWrapper',
            constructor='MatrixDecayConstructor',
            optimizer=dict(type='AdamW', lr=1e-3, weight_decay=0.05),
        ),
    )
    cfg = toy_config(tmp_path / 'run', **overrides)
    cfg.model = dict(TINY_POODLE, data_preprocessor=cfg.model.data_preprocessor, momentum=0.9)
    cfg.dump(tmp_path / 'toy.py')
    runner = Runner.from_cfg(cfg)
    runner.train()
    expected = torch.load(tmp_path / 'run' / 'epoch_2.pth', weights_only=False)
    model = runner.model.cpu()
    names = [k for k, p in model.named_parameters() if p.requires_grad]
    groups = named_groups((k, p) for k, p in model.named_parameters() if k in names)
    moments = {
        k: expected['optimizer']['state'][i] for i, (k, _) in enumerate(groups[0] + groups[1])
    }
    state = their_state(model)
    optimizer = their_optimizer(model, state, moments, scale=0.25)
    path = save_authors_file(tmp_path / 'checkpoint-2.pth', state, optimizer, EPOCHS)

    convert_release(path, tmp_path / 'resumed' / 'epoch_2.pth', tmp_path / 'toy.py')
    check_resumable(tmp_path / 'resumed' / 'epoch_2.pth')
    found = torch.load(tmp_path / 'resumed' / 'epoch_2.pth', weights_only=False)
    assert_same_tensors(found['state_dict'], expected['state_dict'])
    for key in ('epoch', 'iter'):
        assert found['meta'][key] == expected['meta'][key]
    for a, b in zip(found['param_schedulers'], expected['param_schedulers'], strict=True):
        assert a.keys() == b.keys()
        assert (a['last_step'], a['_global_step']) == (b['last_step'], b['_global_step'])
        assert a['base_values'] == b['base_values']
        assert a['_last_value'] == pytest.approx(b['_last_value'])
    for a, b in zip(found['optimizer']['param_groups'], expected['optimizer']['param_groups']):
        assert a.keys() == b.keys()
        assert (a['params'], a['weight_decay']) == (b['params'], b['weight_decay'])
        assert (a['lr'], a['initial_lr']) == pytest.approx((b['lr'], b['initial_lr']))
        assert a['eps'] == pytest.approx(b['eps'])

    cfg.work_dir, cfg.resume = str(tmp_path / 'resumed'), True
    cfg.load_from = str(tmp_path / 'resumed' / 'epoch_2.pth')
    cfg.train_cfg.max_epochs = 3
    cfg.experiment_name = 'resumed'
    resumed = Runner.from_cfg(cfg)
    resumed.train()
    assert resumed.iter == 12 and int(resumed.model.target.steps) == 12
    cfg.work_dir = str(tmp_path / 'through')
    cfg.load_from, cfg.experiment_name = str(tmp_path / 'run' / 'epoch_2.pth'), 'through'
    through = Runner.from_cfg(cfg)
    through.train()
    for key, value in through.model.state_dict().items():
        torch.testing.assert_close(resumed.model.state_dict()[key], value, rtol=1e-4, atol=1e-6)


def test_files_without_a_fitting_optimizer(tmp_path):
    model = tiny_model()
    path = save_authors_file(tmp_path / 'checkpoint-3.pth', their_state(model), None, 3)
    line = convert_release(path, tmp_path / 'a.pth')
    assert 'without the optimizer (the file has no optimizer state)' in line
    assert 'number of updates unknown (--steps-per-epoch)' in line
    assert int(torch.load(tmp_path / 'a.pth')['state_dict']['target.steps']) == 0
    assert 'update 30' in convert_release(path, tmp_path / 'a.pth', steps_per_epoch=10)
    assert int(torch.load(tmp_path / 'a.pth')['state_dict']['target.steps']) == 30
    (tmp_path / 'toy.py').write_text('model = dict(dense_head=dict(loss_weight=0.25))')
    with pytest.raises(ValueError, match='cannot be resumed: without the optimizer'):
        convert_release(path, tmp_path / 'b.pth', config=tmp_path / 'toy.py')

    state = their_state(model)
    optimizer = their_optimizer(model, state, random_moments(model))
    optimizer['param_groups'][0]['params'].append(999)
    save_authors_file(path, state, optimizer)
    assert 'without the optimizer (its groups have' in convert_release(path, tmp_path / 'a.pth')
    optimizer['param_groups'][0]['params'].pop()
    optimizer['state'][0]['exp_avg'] = torch.zeros(3)
    save_authors_file(path, state, optimizer)
    assert 'exp_avg of backbone.bn1.weight is (3,)' in convert_release(path, tmp_path / 'a.pth')
    assert not (tmp_path / 'b.pth').exists()


@pytest.mark.parametrize(
    ('key', 'value', 'message'),
    [
        (
            'teacher_decoder_blocks.0.bn1.bias',
            None,
            r'missing \(1\): target\.module\.neck\.b',
        ),
        ('backbone.layer3.1.bn2.bias', None, r'missing \(1\): backbone\.layer3\.1\.bn2\.bias'),
        ('backbone.layer9.weight', torch.ones(1), r'not in the authors.*backbone\.layer9\.weight'),
        (
            'dense_predictor.1.extra',
            torch.ones(1),
            r'left over \(1\): dense_head\.predictor',
        ),
        ('dense_predictor.3.bias', torch.ones(3), r'dense_head\.predictor\.3\.bias \(3,\) instead'),
    ],
)
def test_every_tensor_counts(tmp_path, key, value, message):
    state = their_state(tiny_model()) | {key: value}
    path = save_authors_file(
        tmp_path / 'checkpoint-1.pth', {k: v for k, v in state.items() if v is not None}
    )
    with pytest.raises(ValueError, match=message):
        convert_release(path, tmp_path / 'ours.pth')
    assert not (tmp_path / 'ours.pth').exists()


def test_flowe_file(tmp_path):
    model = flowe_model()
    path = save_authors_file(tmp_path / 'checkpoint-1.pth', their_state(model, flowe=True))
    assert 'tensors of FlowE' in convert_release(path, tmp_path / 'ours.pth')


def test_finished_epochs():
    assert finished_epochs(100, 'checkpoint-100.pth') == 100
    assert finished_epochs(99, 'checkpoint-100.pth') == 100
    assert finished_epochs(99, 'other.pth') == 99
    assert finished_epochs(5, 'checkpoint-100.pth') == 5
    assert finished_epochs(None, 'checkpoint-100.pth') is None


def test_tool(tmp_path, repo):
    path, _ = their_file(tmp_path / 'checkpoint-2.pth', tiny_model())
    tool = repo / 'tools' / 'model_converters' / 'poodle_release.py'
    command = [sys.executable, str(tool), str(path), str(tmp_path / 'ours.pth')]
    env = dict(os.environ, PYTHONPATH=str(repo))
    done = subprocess.run(command, capture_output=True, text=True, env=env)
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines()[-1].startswith(f'{tmp_path}/ours.pth: ')


def test_source_stays_and_broken_weights_are_refused(tmp_path):
    path = save_authors_file(tmp_path / 'checkpoint-1.pth', their_state(tiny_model()))
    before = path.read_bytes()
    (tmp_path / 'link.pth').symlink_to(path)
    for target in (path, tmp_path / 'link.pth'):
        with pytest.raises(ValueError, match=r'is the file to convert: give another one'):
            convert_release(path, target)
    assert path.read_bytes() == before
    state = their_state(tiny_model())
    state['backbone.conv1.weight'] = torch.full_like(state['backbone.conv1.weight'], torch.nan)
    save_authors_file(path, state)
    with pytest.raises(ValueError, match=r'1\.pth: 1 tensors are not finite \(backbone\.conv1\.w'):
        convert_release(path, tmp_path / 'ours.pth')
    assert not (tmp_path / 'ours.pth').exists()


def test_files_of_others_are_refused(tmp_path):
    torch.save(dict(state_dict=tiny_model().state_dict()), tmp_path / 'ours.pth')
    with pytest.raises(ValueError, match=r"ours\.pth is not a checkpoint of PooDLe's authors"):
        convert_release(tmp_path / 'ours.pth', tmp_path / 'out.pth')
    with pytest.raises(FileNotFoundError, match=r'nothing\.pth'):
        convert_release(tmp_path / 'nothing.pth', tmp_path / 'out.pth')
