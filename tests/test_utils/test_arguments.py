"""Arguments that several commands take."""

from argparse import ArgumentParser

import pytest

from poodle_mm.utils.arguments import KeyValues


@pytest.fixture
def parser() -> ArgumentParser:
    parser = ArgumentParser()
    parser.add_argument('--cfg-options', nargs='+', action=KeyValues)
    return parser


def test_values_are_those_of_mmengine(parser):
    options = parser.parse_args(['--cfg-options', 'a.b=1', 'c=x=y', 'd=1,2', 'e=']).cfg_options
    assert options == {'a.b': 1, 'c': 'x=y', 'd': [1, 2], 'e': ''}


def test_a_word_without_a_value_is_an_error_of_usage(parser, capsys):
    with pytest.raises(SystemExit) as error:
        parser.parse_args(['--cfg-options', 'a.b=1', 'model.momentum'])
    assert error.value.code == 2
    assert "--cfg-options: 'model.momentum' is not of the form KEY=VALUE" in capsys.readouterr().err
