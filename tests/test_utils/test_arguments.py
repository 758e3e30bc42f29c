"""Arguments that several commands take."""

from argparse import ArgumentParser

import pytest

from poodle_mm.utils.arguments import KeyValues, between, not_negative, positive


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


@pytest.mark.parametrize(
    ('kind', 'word', 'value'),
    [(positive, '1', 1), (positive, '0', None), (not_negative, '0', 0), (not_negative, '-1', None),
     (positive, '1.5', None), (positive, '', None), (not_negative, '99999999999', None),
     (between(1, 100), '100', 100), (between(1, 100), '101', None)],
)  # fmt: skip
def test_integers_within_bounds(kind, word, value, capsys):
    parser = ArgumentParser()
    parser.add_argument('--jobs', type=kind)
    if value is not None:
        assert parser.parse_args(['--jobs', word]).jobs == value
        return
    with pytest.raises(SystemExit):
        parser.parse_args([f'--jobs={word}'])
    assert f'argument --jobs: {word!r} is not an integer from' in capsys.readouterr().err
