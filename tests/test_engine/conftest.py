"""Fixtures of the engine's tests."""

import itertools

import pytest
from mmengine.runner import Runner

from poodle_mm.registry import register_all_modules
from tests.test_engine.toy_pairs import toy_config

_COUNT = itertools.count()


@pytest.fixture
def make_runner(tmp_path):
    """A function that builds the runner of the toy config with overrides."""
    register_all_modules()

    def make(name: str = 'run', **overrides) -> Runner:
        # MMEngine keeps loggers and message hubs by experiment name for the whole process.
        return Runner.from_cfg(
            toy_config(tmp_path / name, experiment_name=f'toy_{next(_COUNT)}', **overrides)
        )

    return make
