"""The log of events: begun anew or gone on with, always lines of JSON."""

import json

from poodle_mm.engine.health.events import HEALTH_LOG, Event, read_events, start_log, write_event


def event(iteration: int, value: float = 0.5) -> Event:
    return Event(iteration, 'rank', 'warning', 'rank_dense', value, 2.0, 'Δ', 'why', 'model.key')


def test_new_and_resumed(tmp_path):
    assert read_events(tmp_path) == []
    start_log(tmp_path / 'run', resumed=False)
    write_event(tmp_path / 'run', event(1))
    start_log(tmp_path / 'run', resumed=True)
    write_event(tmp_path / 'run', event(2))
    assert [e['iter'] for e in read_events(tmp_path / 'run')] == [1, 2]
    start_log(tmp_path / 'run', resumed=False)
    assert read_events(tmp_path / 'run') == []
    assert (tmp_path / 'run' / HEALTH_LOG).exists()  # watched, and nothing found


def test_a_line_that_was_cut_off_spoils_no_other(tmp_path):
    start_log(tmp_path, resumed=False)
    write_event(tmp_path, event(1))
    path = tmp_path / HEALTH_LOG
    path.write_text(path.read_text() + '{"iter": 2, "ki')
    start_log(tmp_path, resumed=True)
    write_event(tmp_path, event(3, float('nan')))
    first, last = read_events(tmp_path)
    assert first == dict(
        iter=1, kind='rank', level='warning', name='rank_dense', value=0.5, limit=2.0, message='Δ',
        cause='why', key='model.key', batch=None,
    )  # fmt: skip
    assert (last['iter'], last['value']) == (3, None)
    assert 'NaN' not in path.read_text()
    assert json.loads(path.read_text().splitlines()[-1]) == last
