"""The report in a browser: nothing overflows, the collapse is red at first sight, curves answer."""

import json

import numpy as np
import pytest

from poodle_mm.experiments.report.curves import LEFT, RIGHT, WIDTH
from poodle_mm.experiments.report.run_report import report_runs
from tests.test_experiments.test_report.browser import look
from tests.test_experiments.test_report.work_dirs import collapsing, make_run

LAYOUT = """(() => {
    const rect = (query) => document.querySelector(query).getBoundingClientRect();
    const box = getComputedStyle(document.querySelector('.banner'));
    return {
        width: innerWidth, content: document.documentElement.scrollWidth,
        wide: [...document.querySelectorAll('body *')]
            .filter((e) => !e.closest('.wide, pre, .unseen'))
            .filter((e) => e.getBoundingClientRect().right > innerWidth + 1)
            .map((e) => e.outerHTML.slice(0, 90)),
        banner: rect('.banner'), verdict: document.querySelector('.verdict').innerText,
        page: getComputedStyle(document.body).backgroundColor, box: box.backgroundColor,
        tiles: document.querySelectorAll('.tiles li').length,
    };
})()"""


@pytest.fixture(scope='module')
def collapsed(tmp_path_factory):
    """Report of a run that collapses, with a name of one long word and a wide readout."""
    root = tmp_path_factory.mktemp('collapsed')
    folder = make_run(root / ('long_name_' * 9), collapsing(80), warnings=['x' * 300])
    (folder / 'readout').mkdir()
    per_class = dict.fromkeys(('road', 'traffic light', 'vegetation'), 90.0)
    metrics = dict(
        miou=1.0, acc=2.0, small=0.0, large=3.0, rare=0.0, common=1.0, per_class=per_class
    )
    content = dict(suite='scenes', results=[dict(name='a', readout='linear', metrics=metrics)])
    (folder / 'readout' / 'scenes.json').write_text(json.dumps(content))
    return report_runs([folder], root / 'out')


@pytest.mark.parametrize('size', [(1280, 800), (390, 844)], ids=['desktop', 'phone'])
@pytest.mark.parametrize('dark', [False, True], ids=['light', 'dark'])
def test_first_screen(collapsed, tmp_path, size, dark):
    found, picture = look(collapsed, tmp_path, LAYOUT, size, dark)
    assert found['width'] == found['content'] == size[0] and found['wide'] == []
    assert 'Collapse' in found['verdict'] and found['tiles'] >= 5
    banner = found['banner']
    assert banner['top'] >= 0 and banner['bottom'] < size[1]
    assert (sum(map(int, found['page'][4:-1].split(','))) < 3 * 128) == dark
    rows, columns = (slice(int(banner[a]) + 2, int(banner[b]) - 2) for a, b in
                     (('top', 'bottom'), ('left', 'right')))  # fmt: skip
    blue, green, red = np.median(picture[rows, columns].reshape(-1, 3), axis=0)
    assert red > 1.05 * max(green, blue) and (red < 128) == dark


def test_curves_answer(tmp_path):
    """Hover, keys, zoom, whole run, a run switched off, a logarithmic axis, smoothing."""
    rows = [dict(loss_dense=4.0 - 0.01 * n) for n in range(100)]
    runs = [make_run(tmp_path / name, rows) for name in 'ab']
    page = report_runs(runs, tmp_path / 'out')
    half = (LEFT + 50 / 99 * (WIDTH - LEFT - RIGHT)) / WIDTH  # where iteration 50 is
    found, _ = look(page, tmp_path, f"""(async () => {{
        const svg = document.querySelector('.chart svg'), tip = document.querySelector('.tip');
        const box = svg.getBoundingClientRect(), out = {{}};
        const at = (part) => ({{ clientX: box.left + box.width * part, clientY: box.top + 50,
                                bubbles: true, pointerId: 1, pointerType: 'mouse' }});
        const send = (type, part) => svg.dispatchEvent(new PointerEvent(type, at(part)));
        const key = (name) => svg.dispatchEvent(new KeyboardEvent('keydown', {{ key: name }}));
        const lines = () => svg.querySelectorAll('path.line').length;
        const marks = () => [...svg.querySelectorAll('.tx')].map((t) => +t.textContent);
        const path = () => svg.querySelector('path.line').getAttribute('d');
        out.before = lines(); out.whole = marks(); out.path = path();
        send('pointermove', {half});
        out.hover = tip.innerText; out.shown = !tip.hidden;
        send('pointerleave', 0.5); out.left = tip.hidden;
        key('End'); out.end = tip.innerText;
        out.said = document.getElementById('curves-live').textContent;
        key('ArrowLeft'); out.arrow = tip.innerText;
        send('pointerdown', 0.4); send('pointermove', 0.6); send('pointerup', 0.6);
        out.zoomed = marks();
        svg.dispatchEvent(new MouseEvent('dblclick')); out.reset = marks();
        document.querySelector('#legend input').click(); out.off = lines();
        send('pointermove', 0.5); out.one = tip.innerText;
        const log = document.querySelector('.chart .log');
        log.click(); out.log = path() !== out.path; out.pressed = log.getAttribute('aria-pressed');
        const range = document.getElementById('smooth'), was = path();
        range.value = 0.9; range.dispatchEvent(new Event('input')); out.smoothed = path() !== was;
        return out;
    }})()""")  # fmt: skip
    assert found['before'] == 2 and found['whole'] == found['reset'] == [0, 20, 40, 60, 80]
    assert found['shown'] and found['left']
    assert found['hover'].split('\n') == ['iteration 50', 'a: 3.5', 'b: 3.5']
    assert 'iteration 99' in found['end'] and 'iteration 98' in found['arrow']
    assert found['said'].startswith('loss_dense') and '3.01' in found['said']
    assert min(found['zoomed']) > 20 and max(found['zoomed']) < 70
    assert found['off'] == 1 and 'b: ' in found['one'] and 'a: ' not in found['one']
    assert found['log'] and found['pressed'] == 'true' and found['smoothed']


def test_pictures_and_curves_without_a_script(collapsed, tmp_path):
    """The slider shows one picture, without it first and last stand there, and the curves."""
    probe = """[[...document.querySelectorAll('.frames figure')].map((f) => f.offsetHeight > 0),
        document.querySelectorAll('path.line').length,
        [...document.querySelectorAll('.only-js')].some((e) => e.offsetHeight > 0)]"""
    slide = """(() => { const s = document.querySelector('.frames input'); const shown = () =>
        [...document.querySelectorAll('.frames figure')].map((f) => f.offsetHeight > 0);
        const before = shown(); s.value = 0; s.dispatchEvent(new Event('input'));
        return [before, shown()]; })()"""
    assert look(collapsed, tmp_path, slide)[0] == [[False, True], [True, False]]
    shown, lines, controls = look(collapsed, tmp_path, probe, script=False)[0]
    assert shown == [True, True] and lines == 2 and not controls
