"""Arguments that several commands take."""

from argparse import ArgumentError, ArgumentParser, ArgumentTypeError, Namespace
from typing import Any

from mmengine.config import DictAction


def positive(word: str) -> int:
    """``type`` of an argument: an integer of 1 or more."""
    return _at_least(1, word)


def not_negative(word: str) -> int:
    """``type`` of an argument: an integer of 0 or more, as a seed is."""
    return _at_least(0, word)


def _at_least(least: int, word: str) -> int:
    if not word.isdecimal() or not least <= int(word) < 2**32:
        raise ArgumentTypeError(f'{word!r} is not an integer from {least} to {2**32 - 1}')
    return int(word)


class KeyValues(DictAction):
    """MMEngine's ``KEY=VALUE`` arguments, where a word without ``=`` is an error of usage.

    >>> parser.add_argument('--cfg-options', nargs='+', action=KeyValues)  # doctest: +SKIP

    MMEngine's own ends with a trace there, because it runs before any error is caught.
    """

    def __call__(
        self, parser: ArgumentParser, namespace: Namespace, values: Any, option: str | None = None
    ) -> None:
        """Store the pairs as a dict of parsed values.

        Raises:
            ArgumentError: Naming the word that is no pair.
        """
        for word in values:
            if '=' not in word:
                raise ArgumentError(self, f'{word!r} is not of the form KEY=VALUE')
        super().__call__(parser, namespace, values, option)
