"""Arguments that several commands take."""

from argparse import ArgumentError, ArgumentParser, ArgumentTypeError, Namespace
from collections.abc import Callable
from typing import Any

from mmengine.config import DictAction


def between(least: int, most: int) -> Callable[[str], int]:
    """``type`` of an argument: an integer from ``least`` to ``most``."""

    def parse(word: str) -> int:
        if not word.isdecimal() or not least <= int(word) <= most:
            raise ArgumentTypeError(f'{word!r} is not an integer from {least} to {most}')
        return int(word)

    return parse


positive = between(1, 2**32 - 1)
"""``type`` of an argument that counts or measures something."""

not_negative = between(0, 2**32 - 1)
"""``type`` of an argument that may be 0, as a seed is."""


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
