"""What of a run's log goes to the console: warnings, the plan and the losses."""

import logging
from pathlib import Path

import mmengine
from mmengine.logging import MMLogger
from mmengine.runner import Runner

from poodle_mm.checkpoints.encoder_checkpoint import check_pretrained
from poodle_mm.utils.modules import bare_model

_MMENGINE = str(Path(mmengine.__file__).parent)
_SHOWN = ('checkpoint_hook', 'logger_hook')  # MMEngine's files whose messages are of the training
# MMEngine warns here of calls that it makes itself.
NOISE = ('"FileClient" will be deprecated', '"HardDiskBackend" is the alias')


def for_console(record: logging.LogRecord) -> bool:
    """Whether a record is for the console: a warning, this project's, or about the training.

    MMEngine's 270 lines on environment, config and hooks are not; the log file has them.
    """
    if record.levelno >= logging.WARNING:
        return not str(record.msg).startswith(NOISE)
    return not record.pathname.startswith(_MMENGINE) or record.module in _SHOWN


class QuietRunner(Runner):
    """MMEngine's ``Runner``, whose set-up is told in the log file and not on the console.

    What it would only log there, an encoder that is half random, is an error.
    """

    def build_logger(self, *args, **kwargs) -> MMLogger:
        """Build the logger; :func:`for_console` chooses what its console handler prints."""
        logger = super().build_logger(*args, **kwargs)
        for handler in logger.handlers:
            if not isinstance(handler, logging.FileHandler):
                handler.addFilter(for_console)
        return logger

    def _init_model_weights(self) -> None:
        """Initialise or load weights; other packages' models do not check what they load."""
        super()._init_model_weights()
        check_pretrained(getattr(bare_model(self.model), 'backbone', None))
