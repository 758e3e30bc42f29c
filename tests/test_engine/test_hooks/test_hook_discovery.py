"""Hooks of every room are found by name alone, as a pretraining config names them."""

import subprocess
import sys

import pytest


@pytest.mark.parametrize('name', ['TargetUpdateHook', 'StrictLoadHook', 'OnlineProbeHook'])
def test_found_in_a_fresh_process(name):
    """The first look-up imports what registers the hook, and neither mmseg nor mmdet."""
    code = (
        'import sys; from poodle_mm.registry import HOOKS; '
        f'assert HOOKS.get({name!r}) is not None; '
        'sys.exit(bool({"mmseg", "mmdet", "matplotlib.pyplot"} & set(sys.modules)))'
    )
    subprocess.run([sys.executable, '-c', code], check=True)
