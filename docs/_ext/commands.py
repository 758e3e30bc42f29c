"""Directive ``commands``: what ``poodle-mm COMMAND --help`` prints, of every command."""

import contextlib
import io
import os
import sys
from pathlib import Path
from unittest import mock

from docutils import nodes
from sphinx.application import Sphinx
from sphinx.util.docutils import SphinxDirective

from poodle_mm.__main__ import commands, main

COLUMNS = '88'


def help_of(command: str) -> str:
    """Help text of a command, run in this process.

    Raises:
        ValueError: If it does not end as a help does.
    """
    text = io.StringIO()
    with (
        mock.patch.dict(os.environ, COLUMNS=COLUMNS, NO_COLOR='1'),
        mock.patch.object(sys, 'argv', sys.argv),
        contextlib.redirect_stdout(text),
    ):
        try:
            main([command, '--help'])
        except SystemExit as exit:
            if not exit.code and 'usage:' in text.getvalue():
                return 'usage:' + text.getvalue().split('usage:', 1)[1]  # past greetings
    raise ValueError(f'poodle-mm {command} --help prints no help')


class Commands(SphinxDirective):
    """A section for each command; those of ``tools/`` come first."""

    def run(self) -> list[nodes.Node]:
        """Parse the sections."""
        found = []
        for command, path in commands().items():
            self.env.note_dependency(str(path))
            script = path.relative_to(Path(self.env.srcdir).parent)
            section = nodes.section(ids=[command])
            section += nodes.title('', command)
            section += nodes.paragraph(
                '', '', nodes.Text('Script: '), nodes.literal('', str(script))
            )
            section += nodes.literal_block(help_of(command), help_of(command), language='text')
            self.state.document.note_explicit_target(section)
            found.append(section)
        return found


def setup(app: Sphinx) -> dict:
    """Register the directive."""
    app.add_directive('commands', Commands)
    return dict(parallel_read_safe=True, parallel_write_safe=True)
