"""Tables in Markdown."""

from collections.abc import Iterable, Sequence

import numpy as np


def markdown_table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """A table whose first column is aligned left, the others right.

    Args:
        head: Titles of the columns.
        rows: Cells of each row.
    """
    lines = [head, ['---', *['---:'] * (len(head) - 1)], *rows]
    return '\n'.join('| ' + ' | '.join(line) + ' |' for line in lines)


def spread(values: Sequence[float | None], digits: int = 1) -> str:
    """``mean ± std`` (n - 1) of several values, the value itself of one, a dash of none.

    Args:
        values: Numbers; None counts as not measured.
        digits: Decimal places.
    """
    values = [value for value in values if value is not None]
    if not values:
        return '–'
    if len(values) == 1:
        return f'{values[0]:.{digits}f}'
    return f'{np.mean(values):.{digits}f} ± {np.std(values, ddof=1):.{digits}f}'
