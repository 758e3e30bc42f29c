"""tools/train.py: options reach the config, and mistakes end with one line."""

import importlib.util
import os
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from mmengine.config import Config
from mmengine.logging import MMLogger

from poodle_mm.engine.config import load_config, set_data_root
from poodle_mm.engine.evaluate import evaluate_losses
from poodle_mm.engine.train import build_runner, training_config
from poodle_mm.registry import VISBACKENDS, register_all_modules
from tests.test_engine.toy_pairs import toy_config


@pytest.fixture
def tool(repo, monkeypatch, capsys):
    """A function that runs the tool's main in this process; returns (exit code, stderr)."""
    register_all_modules()
    spec = importlib.util.spec_from_file_location('train_tool', repo / 'tools' / 'train.py')
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    monkeypatch.setattr(os, 'environ', os.environ.copy())

    def run(*arguments) -> tuple[int, str]:
        monkeypatch.setattr(sys, 'argv', ['train.py', *map(str, arguments)])
        try:
            module.main()
        except SystemExit as stop:
            return stop.code, capsys.readouterr().err
        return 0, ''

    return run


@pytest.fixture
def config(tmp_path) -> Path:
    path = tmp_path / 'toy.py'
    # A name of its own, because MMEngine keeps loggers by it for the whole process.
    toy_config(tmp_path / 'run', experiment_name=tmp_path.name).dump(path)
    return path


def line_of(result: tuple[int, str]) -> str:
    code, text = result
    assert code == 2
    (line,) = [line for line in text.splitlines() if line.startswith('error: ')]
    assert 'Traceback' not in text
    return line


@pytest.mark.parametrize(
    ('option', 'words'),
    [
        ('model.momentm=0.5', ['model.momentm', "'momentm'", "did you mean 'momentum'?"]),
        ('modell.momentum=0.5', ["'modell'", "did you mean 'model'?"]),
        ('model.bakbone.depth=34', ['model has no key', "did you mean 'backbone'?"]),
        ('optim_wraper=1', ["did you mean 'optim_wrapper'?"]),
        ('custom_hooks.1.interval=3', ['custom_hooks has no key', "'1'"]),
        ('anything=1', ['the config has no key', "'anything'"]),
        ('model.backbone.with_cpp=True', ['unexpected keyword argument', "'with_cpp'"]),
        ('model.type=PooDle', ["unknown type 'PooDle' of model", "did you mean 'PooDLe'?"]),
        ('custom_hooks.0.type=TargetHook', ["unknown type 'TargetHook' of hook"]),
        ('train_dataloader.dataset.type=FramePairs', ["unknown type 'FramePairs'"]),
        ('custom_hooks.0.schedule_epochs=1', ['TargetUpdateHook', 'schedule_epochs']),
        ('model.neck.in_chanels=[1]', ["did you mean 'in_channels'?"]),
    ],
)
def test_mistakes_in_options(tool, config, option, words):
    line = line_of(tool(config, '--cfg-options', option))
    assert all(word in line for word in words), line


def test_an_option_of_a_part_that_another_takes_away(tool, config):
    line = line_of(tool(config, '--cfg-options', 'model.neck=None', 'model.neck.lateral=None'))
    assert 'model.neck.lateral: model.neck=None takes the part away' in line


def test_options_of_a_part_that_takes_the_place_of_another(tool, config):
    flow = 'model.data_preprocessor.flow'
    options = {
        f'{flow}._delete_': True,
        f'{flow}.type': 'DISFlow',
        f'{flow}.initial.type': 'UFlow',
        f'{flow}.initial.weights': 'small',
    }
    cfg = training_config(config, cfg_options=options)
    initial = dict(type='UFlow', weights='small')
    assert cfg.model.data_preprocessor.flow == dict(type='DISFlow', initial=initial)
    with pytest.raises(KeyError, match="no key 'floww'; did you mean 'flow'"):
        training_config(config, cfg_options={f'{flow}w._delete_': True, f'{flow}w.type': 'X'})


def test_an_option_of_a_part_that_configs_leave_out(config):
    """What the errors on infinite losses advise can be set."""
    options = {'optim_wrapper.clip_grad.max_norm': 1.0}
    assert training_config(config, cfg_options=options).optim_wrapper.clip_grad == {'max_norm': 1.0}


def test_mistakes_in_files(tool, config, tmp_path):
    line = line_of(tool(tmp_path / 'toi.py'))
    assert 'toi.py does not exist' in line and 'toy.py' in line

    wrong = tmp_path / 'wrong.py'
    wrong.write_text('_base_ = "nowhere.py"\n')
    assert 'nowhere.py' in line_of(tool(wrong))

    wrong.write_text('model = dict(\n')
    assert 'wrong.py' in line_of(tool(wrong))

    wrong.write_text(config.read_text().replace('train_dataloader', 'train_dataloder'))
    line = line_of(tool(wrong))
    assert "unknown key 'train_dataloder'" in line and "'train_dataloader'" in line

    assert 'gone.pth does not exist' in line_of(tool(config, '--resume', tmp_path / 'gone.pth'))
    torn = tmp_path / 'torn.pth'
    torn.write_bytes(b'PK')
    assert 'torn.pth is damaged' in line_of(tool(config, '--resume', torn))


def test_debug_shows_the_trace(tool, config):
    with pytest.raises(KeyError, match='momentm'):
        tool(config, '--debug', '--cfg-options', 'model.momentm=0.5')


def test_import_errors_show_their_cause(tool, config, monkeypatch):
    """MMEngine would say "PooDLe is not in the model registry"."""
    monkeypatch.setitem(sys.modules, 'poodle_mm.models', None)
    line = line_of(tool(config))
    assert 'ImportError' in line or 'ModuleNotFoundError' in line
    assert 'poodle_mm.models' in line


def test_options_reach_the_config(config, tmp_path):
    cfg = training_config(
        config, work_dir='elsewhere', amp='bfloat16', cfg_options={'model.backbone.with_cp': True}
    )
    assert cfg.work_dir == 'elsewhere'
    assert cfg.optim_wrapper.type == 'BFloat16OptimWrapper'
    assert cfg.model.backbone.with_cp
    assert not cfg.resume and cfg.get('load_from') is None


@pytest.mark.parametrize(
    ('name', 'backend'),
    [
        ('tensorboard', 'TensorboardVisBackend'),
        ('wandb', 'WandbVisBackend'),
        ('mlflow', 'MLflowBackend'),
        ('clearml', 'ClearMLBackend'),
    ],
)
def test_logger(tool, config, monkeypatch, name, backend):
    """MMEngine has the backend, local logs stay, and a missing package is named."""
    monkeypatch.setattr('importlib.util.find_spec', lambda package: package == name or None)
    cfg = training_config(config, work_dir='here/run7', logger=name)
    local, other = cfg.visualizer.vis_backends
    assert local.type == 'LocalVisBackend' and other.type == backend
    arguments = {**other, **other.get('init_kwargs', {})}
    assert name == 'tensorboard' or {'poodle_mm', 'run7'} <= {
        value for value in arguments.values() if isinstance(value, str)
    }
    VISBACKENDS.build(dict(other, save_dir='unused'))
    monkeypatch.setattr('importlib.util.find_spec', lambda package: None)
    line = line_of(tool(config, '--logger', name))
    assert f'--logger {name}' in line and f'pip install {name}' in line


def test_clearml_leaves_seed_and_checkpoints_alone(config, monkeypatch):
    """A task of ClearML's begins by seeding everything, and MMEngine's backend uploads weights."""

    class Task(SimpleNamespace):
        seed = 1337

        @classmethod
        def set_random_seed(cls, seed):
            cls.seed = seed

        @classmethod
        def init(cls, project_name, task_name, auto_connect_frameworks):
            assert not auto_connect_frameworks
            if cls.seed is not None:
                torch.manual_seed(cls.seed)
            return cls(get_logger=lambda: None)

    monkeypatch.setitem(sys.modules, 'clearml', SimpleNamespace(Task=Task))
    monkeypatch.setattr('importlib.util.find_spec', lambda package: package)
    (_, other) = training_config(config, logger='clearml').visualizer.vis_backends
    backend = VISBACKENDS.build(dict(other, save_dir='unused'))
    before = torch.manual_seed(5).get_state()
    assert backend.experiment.Task is Task
    assert torch.equal(torch.get_rng_state(), before)
    assert other.artifact_suffix == ('.py',)


def test_mlflow_without_a_server(config, tmp_path, monkeypatch):
    """Numbers and pictures go to a database and a folder in the work dir."""
    mlflow = pytest.importorskip('mlflow')
    pytest.importorskip('sqlalchemy')
    monkeypatch.delenv('MLFLOW_TRACKING_URI', raising=False)
    MMLogger.get_instance(tmp_path.name)  # whose stream is open, as MMEngine's backend wants it
    work_dir = tmp_path / 'a run'
    work_dir.mkdir()
    cfg = training_config(config, work_dir=str(work_dir), logger='mlflow')
    backend = VISBACKENDS.build(dict(cfg.visualizer.vis_backends[1], save_dir=str(tmp_path)))
    backend.add_config(cfg)
    backend.add_scalars({'loss': 0.5}, step=3)
    backend.add_image('pair_0', np.zeros((8, 8, 3), np.uint8), step=3)
    backend.close()
    (run,) = mlflow.search_runs(experiment_names=['poodle_mm'], output_format='list')
    assert (run.info.run_name, run.data.metrics) == ('a run', {'loss': 0.5})
    assert list((work_dir / 'mlflow').rglob('pair_0*.png')) and (work_dir / 'mlflow.db').is_file()
    monkeypatch.setenv('MLFLOW_TRACKING_URI', 'http://server:5000')
    (_, other) = training_config(config, logger='mlflow').visualizer.vis_backends
    assert other.tracking_uri == 'http://server:5000' and 'artifact_location' not in other


def test_float16_needs_a_gpu(config, monkeypatch):
    monkeypatch.setattr('torch.cuda.is_available', lambda: False)
    with pytest.raises(ValueError, match='--amp bfloat16'):
        training_config(config, amp='float16')
    monkeypatch.setattr('torch.cuda.is_available', lambda: True)
    cfg = training_config(config, amp='float16')
    assert cfg.optim_wrapper.type == 'AmpOptimWrapper'
    assert cfg.optim_wrapper.loss_scale == 'dynamic'


def test_work_dir_is_named_after_the_config(config, tmp_path):
    text = config.read_text().replace('work_dir', 'launcher')
    config.write_text(text)
    assert training_config(config).work_dir == os.path.join('work_dirs', 'toy')


def test_auto_scale_lr_counts_accumulation_and_repeats(config):
    """2 samples x 3 repeats x 4 accumulated iterations = 24 pairs of 96, also from the config."""
    options = {
        'auto_scale_lr': dict(base_batch_size=96),
        'train_dataloader.dataset.repeats': 3,
        'optim_wrapper.accumulative_counts': 4,
        'train_cfg.max_epochs': 1,
        'custom_hooks': [],
    }
    for flag in (True, False):
        options['auto_scale_lr']['enable'] = not flag
        cfg = training_config(config, auto_scale_lr=flag, cfg_options=options)
        cfg.experiment_name += f'_{flag}'
        runner = build_runner(cfg)
        runner.optim_wrapper = runner.build_optim_wrapper(runner.optim_wrapper)
        runner.scale_lr(runner.optim_wrapper, runner.auto_scale_lr)
        assert runner.optim_wrapper.get_lr()['lr'] == [pytest.approx(1e-3 / 4)]
        assert (
            cfg.auto_scale_lr.base_batch_size == 96
        )  # so that a config that was written can be used
    with pytest.raises(ValueError, match='base_batch_size'):
        training_config(config, auto_scale_lr=True)


def test_resume_auto_keeps_load_from_for_a_fresh_start(config):
    """The first start of a BDD* run with --resume must not drop its initial weights."""
    cfg = training_config(config, resume='auto', cfg_options={'load_from': 'imagenet.pth'})
    assert cfg.load_from == 'imagenet.pth' and not cfg.resume


def test_fewer_videos_than_a_batch(tool, config):
    """3 files and a batch of 4 that must be full: MMEngine speaks of an epoch_length of 0."""
    options = ['train_dataloader.dataset.length=3', 'train_dataloader.batch_size=4']
    line = line_of(tool(config, '--cfg-options', *options, 'train_dataloader.drop_last=True'))
    for words in ('has 3 samples', 'each of 1 processes gets 3', 'batch_size=4', 'to 3 or less'):
        assert words in line


def test_fewer_videos_than_a_batch_without_end(tool, config, tmp_path):
    """The sampler goes on into the next epoch to fill a batch: this trains, with a warning."""
    loop = ['train_cfg._delete_=True', 'train_cfg.type=IterBasedTrainLoop', 'train_cfg.max_iters=2']
    options = ['train_dataloader.dataset.length=3', 'train_dataloader.batch_size=4', *loop]
    assert tool(config, '--cfg-options', *options) == (0, '')
    (log,) = (tmp_path / 'run').glob('*/*.log')
    (line,) = (line for line in log.read_text().splitlines() if 'has 3 samples' in line)
    assert 'WARNING' in line and 'batch_size=4' in line and 'several times' in line


def test_data_root_of_every_data_set(config, tmp_path, capsys):
    root = str(tmp_path / 'a folder, with spaces')
    mixture = dict(type='MixedPairDataset', datasets=[dict(data_root='a'), dict(data_root='b')])
    options = {'train_dataloader.dataset': mixture}
    cfg = training_config(config, cfg_options=options, data_root=root)
    assert [part.data_root for part in cfg.train_dataloader.dataset.datasets] == [root, root]
    assert '2 roots of this config (a, b) are all replaced by it' in capsys.readouterr().err
    cfg = Config(dict(val_dataloader=dict(dataset=dict(data_root='c')), test_dataloader=None))
    set_data_root(cfg, root)
    assert cfg.val_dataloader.dataset.data_root == root
    with pytest.raises(ValueError, match=r'--data-root .* no data set'):
        training_config(config, data_root=root)  # toy pairs are made in memory


def test_another_length(repo):
    """Schedules in proportion; a warm-up of a step would never leave its first value."""
    cfg = training_config(repo / 'configs' / 'poodle_r50_videos.py', iters=5000)
    warmup, cosine = cfg.param_scheduler
    assert (cfg.train_cfg.max_iters, warmup.end, cosine.end, cosine.T_max) == (5000, 50, 5000, 4950)
    cfg = training_config(repo / 'configs' / 'poodle_r50_videos.py', iters=100)
    assert [scheduler.type for scheduler in cfg.param_scheduler] == ['CosineAnnealingLR']
    with pytest.raises(ValueError, match='train by iterations'):
        training_config(repo / 'configs' / 'poodle_r50_bdd.py', iters=100)


def test_workers_options_without_workers(config):
    """torch refuses persistent_workers and prefetch_factor when there are no workers."""
    options = {'train_dataloader.persistent_workers': True, 'train_dataloader.prefetch_factor': 2}
    loader = training_config(config, cfg_options=options).train_dataloader
    assert 'persistent_workers' not in loader and 'prefetch_factor' not in loader
    options |= {'train_dataloader.num_workers': 1}
    loader = training_config(config, cfg_options=options).train_dataloader
    assert loader.persistent_workers and loader.prefetch_factor == 2


@pytest.mark.slow
def test_from_another_folder_then_tested(config, repo, tmp_path):
    """A whole run through the command line, relative work dir, then tools/test.py."""
    folder = tmp_path / 'cwd'
    folder.mkdir()
    env = dict(os.environ, PYTHONPATH=str(repo), OMP_NUM_THREADS='1')
    train = [sys.executable, str(repo / 'tools/train.py'), '../toy.py', '--work-dir', 'here']
    options = ['--cfg-options', 'train_cfg.max_epochs=1']
    subprocess.run([*train, *options], cwd=folder, env=env, check=True)
    assert (folder / 'here' / 'epoch_1.pth').exists()
    command = [sys.executable, str(repo / 'tools/test.py'), '../toy.py', 'here/epoch_1.pth']
    output = subprocess.run(
        command, cwd=folder, env=env, check=True, capture_output=True, text=True
    ).stdout
    values = dict(line.split() for line in output.splitlines() if len(line.split()) == 2)
    # The same again in another process.
    found = evaluate_losses(load_config(config), folder / 'here' / 'epoch_1.pth')
    assert values == {name: f'{value:.4f}' for name, value in found.items()}
    assert 0 < float(values['loss_dense']) < 8
    assert 0 < float(values['std_pool']) < 1.5
