"""Pictures appear when due, and training does not notice."""

import cv2
import torch

from poodle_mm.engine.hooks.pair_visualization_hook import (
    PairVisualizationHook,
    described,
    look,
)


def test_training_is_not_changed(make_runner, tmp_path):
    """Weights, batch norm, optimizer and generator; the views here draw from the global one."""
    states = []
    for name in ('without', 'with'):
        runner = make_runner(name)
        views = runner.model.data_preprocessor.forward
        runner.model.data_preprocessor.forward = lambda *args, f=views: torch.rand(()) and f(*args)
        if name == 'with':
            runner.register_hook(PairVisualizationHook(interval=3, num=1))
        runner.train()
        moments = runner.optim_wrapper.state_dict()['state']
        states.append((runner.model.state_dict(), moments, torch.get_rng_state()))
    (weights, moments, generator), (weights2, moments2, generator2) = states
    assert all(torch.equal(weights[name], weights2[name]) for name in weights)
    assert all(torch.equal(moments[k]['exp_avg'], moments2[k]['exp_avg']) for k in moments)
    assert torch.equal(generator, generator2)

    folder = tmp_path / 'with' / 'pictures'
    names = sorted(path.name for path in folder.iterdir())
    assert names == [f'iter_{n:06d}_0.png' for n in (1, 3, 6)]
    assert cv2.imread(str(folder / names[0])).shape[1] == 1400
    (drawn,) = (tmp_path / 'with').glob('*/vis_data/vis_image')
    assert sorted(path.name for path in drawn.iterdir()) == [f'pair_0_{n}.png' for n in (1, 3, 6)]
    assert not (tmp_path / 'without' / 'pictures').exists()


def test_look_gives_what_the_network_sees_and_keeps_modes(make_runner):
    runner = make_runner()
    model = runner.model
    model.train()
    model.neck.eval()
    batch = next(iter(runner.build_dataloader(runner._train_dataloader, seed=0)))
    views, maps = look(model, batch)
    assert model.training and model.backbone.training and not model.neck.training
    seen = model.data_preprocessor(batch, True)['inputs']
    assert all(torch.equal(views[name], seen[name]) for name in seen)
    assert maps['encoder'].shape == (2, 2, 128, 2, 4)
    assert maps['decoder'].shape == (2, 2, 128, 8, 16)
    assert not maps['decoder'].requires_grad


def test_training_of_flow_is_drawn_and_not_changed(make_runner, tmp_path):
    """The model chooses the picture; weights and torch's generator are those of a run without."""
    tiny = dict(channels=8, layers=1, decoder=(16, 8), refinement=(), max_displacement=1)
    model = dict(
        type='UFlowTraining',
        network=dict(**tiny, dense=False),
        selfsup=dict(crop=(16, 16)),
        data_preprocessor=dict(type='FlowPairPreprocessor'),
    )
    states = []
    for name, hooks in (
        ('without', []),
        ('with', [dict(type='PairVisualizationHook', interval=3)]),
    ):
        runner = make_runner(name, model=model, custom_hooks=hooks)
        views = runner.model.data_preprocessor.forward
        runner.model.data_preprocessor.forward = lambda *args, f=views: torch.rand(()) and f(*args)
        runner.train()
        losses = runner.message_hub.get_scalar('train/loss').data[0]
        states.append((runner.model.state_dict(), losses.tolist(), torch.get_rng_state()))
    (weights, losses, generator), (weights2, losses2, generator2) = states
    assert all(torch.equal(weights[name], weights2[name]) for name in weights)
    assert losses == losses2 and len(losses) == 8
    assert torch.equal(generator, generator2)
    names = sorted(path.name for path in (tmp_path / 'with' / 'pictures').iterdir())
    assert names == [f'iter_{n:06d}_{i}.png' for n in (1, 3, 6) for i in (0, 1)]


def test_the_network_is_described(make_runner):
    model = make_runner().model
    text = described(model, 7)
    assert text.startswith('PooDLe, online network after iteration 7') and 'SDM' in text
    model.neck = None
    assert 'SDM' not in described(model, 7)
    model.pooled_head = None
    assert described(model, 7).startswith('FlowE, ')
