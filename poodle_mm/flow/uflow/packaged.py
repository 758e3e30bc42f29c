"""Weights that come with the package."""

from pathlib import Path

from poodle_mm.utils.errors import warn

PACKAGED = {'small': Path(__file__).with_name('small.pth')}
"""Name to file; ``tools/publish_flow.py`` makes it. The name is also that of the network."""


def find_weights(weights: str, key: str) -> Path:
    """File of a packaged name, or of a path. A packaged name wins.

    Args:
        weights: ``'small'``, or the path of a checkpoint.
        key: Config key or option that it comes from, for the messages.

    Raises:
        FileNotFoundError: If it is neither; the message says both ways.
    """
    if weights in PACKAGED:
        if Path(weights).exists():
            warn(
                f'{key}={weights} are the weights that come with the package; the file or folder '
                f'{weights} here is not read (a file: ./{weights})'
            )
        return PACKAGED[weights]
    path = Path(weights).expanduser()
    if not path.is_file():
        raise FileNotFoundError(
            f'UFlow: there is no weights file {weights}, nor do weights of that name come with '
            f'the package, as those of {", ".join(PACKAGED)} do. No others are published: give '
            f'{key}=small, train it (configs/flow) and give the path of the checkpoint, or take '
            "another estimator, such as flow=dict(type='RAFTFlow')"
        )
    return path
