"""The console has warnings, this project's lines and the losses; the log file has everything."""

import logging

import pytest
from mmengine.hooks import LoggerHook
from mmengine.logging import print_log

from poodle_mm.engine.console import QuietRunner
from tests.test_engine.toy_pairs import toy_config


@pytest.fixture
def said(tmp_path, capsys):
    """What a toy run printed, and its log file."""
    hooks = dict(logger=dict(type='LoggerHook', interval=2), checkpoint=None)
    cfg = toy_config(tmp_path, experiment_name=tmp_path.name, log_level='INFO', default_hooks=hooks)
    cfg.train_cfg.max_epochs = 1
    runner = QuietRunner.from_cfg(cfg)
    print_log('of the set-up', logger='current')
    print_log('not to be missed', logger='current', level=logging.WARNING)
    print_log('"FileClient" will be deprecated', logger='current', level=logging.WARNING)
    runner.logger.info('of this project')
    runner.train()
    assert any(isinstance(hook, LoggerHook) for hook in runner.hooks)
    (file,) = tmp_path.glob('*/*.log')
    return capsys.readouterr().out, file.read_text()


def test_console_and_file(said):
    console, file = said
    shown = ('not to be missed', 'of this project', ' loss: ')
    hidden = ('Config:', 'System environment', 'Hooks will be', 'of the set-up', '"FileClient"')
    assert all(text in console for text in shown)
    assert not any(text in console for text in hidden)
    assert all(text in file for text in (*shown, *hidden))
