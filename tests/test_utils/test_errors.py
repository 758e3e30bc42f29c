"""What a user reads of an error: all of a message, nothing of a trace."""

import sys

import pytest

from poodle_mm.utils.errors import describe, one_line_errors

NAMES = '3 of 9 files cannot be read:\n  a.mp4: no keyframe\n  b.mp4: empty\n\n  c.mp4: a link'
WORKER = (
    'Caught ValueError in DataLoader worker process 0.\n'
    'Original Traceback (most recent call last):\n'
    '  File "worker.py", line 1, in _worker_loop\n'
    '    data = fetcher.fetch(index)\n'
    f'ValueError: {NAMES}\n'
)


@pytest.mark.parametrize(
    ('error', 'expected'),
    [
        (ValueError('one line'), 'one line'),
        (KeyError('no key'), 'no key'),
        (ValueError(NAMES), NAMES.replace('\n\n', '\n')),
        (TypeError('wrong'), 'TypeError: wrong'),
        (ValueError(''), 'ValueError: '),
        (ValueError(WORKER), 'ValueError: ' + NAMES.replace('\n\n', '\n')),
    ],
    ids=['line', 'key', 'lines', 'type', 'empty', 'worker'],
)
def test_all_lines_and_no_trace(error, expected):
    assert describe(error) == expected


def test_of_a_real_worker_process():
    """torch's own wrapper of an error with several lines."""
    from torch._utils import ExceptionWrapper

    try:
        raise ValueError(NAMES)
    except ValueError:
        wrapped = ExceptionWrapper(sys.exc_info(), where='in DataLoader worker process 0')
    with pytest.raises(ValueError, match='Caught ValueError') as caught:
        wrapped.reraise()
    assert describe(caught.value) == 'ValueError: ' + NAMES.replace('\n\n', '\n')


def test_the_message_ends_with_a_hint(capsys):
    with pytest.raises(SystemExit) as stop, one_line_errors():
        raise ValueError(NAMES)
    assert stop.value.code == 2
    text = capsys.readouterr().err
    assert text.startswith('error: 3 of 9') and text.endswith(
        'c.mp4: a link (--debug shows where)\n'
    )


def test_ctrl_c_leaves_no_trace(capsys):
    with pytest.raises(SystemExit) as stop, one_line_errors():
        raise KeyboardInterrupt
    assert stop.value.code == 130 and capsys.readouterr().err == 'stopped\n'
    with pytest.raises(KeyboardInterrupt), one_line_errors(debug=True):
        raise KeyboardInterrupt
