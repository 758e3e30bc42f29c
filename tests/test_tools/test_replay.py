"""The command that runs a saved batch again, and its mistakes told on one line."""

import sys

import pytest

from poodle_mm.__main__ import commands, main


def test_replay_is_a_command_and_names_a_missing_file(tmp_path, capsys):
    assert commands()['replay'].name == 'replay.py'
    with pytest.raises(SystemExit) as error:
        main(['replay', str(tmp_path / 'none.pth')])
    assert error.value.code == 2
    message = capsys.readouterr().err
    assert message.startswith('error: ') and 'none.pth: no such file' in message
    assert sys.argv[0] == 'poodle-mm replay'
