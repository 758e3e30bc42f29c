"""Progress bars that leave a log file readable."""

import os
import sys
from typing import Any

from tqdm import tqdm

_SECONDS = 30.0


class Progress(tqdm):
    """tqdm's bar on a terminal; elsewhere every 30 seconds, not ten times a second.

    Work of hours is left with its output in a file, which bars would fill with megabytes.

    Args:
        *args: As tqdm's.
        **kwargs: As tqdm's; ``mininterval``, in seconds, and the environment's
            ``TQDM_MININTERVAL`` count where they are given.
    """

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        stream = kwargs.get('file') or sys.stderr
        if 'TQDM_MININTERVAL' not in os.environ and not stream.isatty():
            kwargs.setdefault('mininterval', _SECONDS)
        super().__init__(*args, **kwargs)
