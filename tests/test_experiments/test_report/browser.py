"""Headless Chromium: what a page measures, does and looks like at a size and in a colour scheme."""

import html
import json
import re
import shutil
import subprocess
from pathlib import Path
from typing import Any
from urllib.parse import unquote

import cv2
import numpy as np
import pytest

_NAMES = ('chromium', 'chromium-browser', 'google-chrome', 'google-chrome-stable')
_POLICY = re.compile('<meta http-equiv="Content-Security-Policy"[^>]*>')
# A window is never narrower than 500 pixels; a frame in it is.
_FRAME = """<!doctype html><style>html { color-scheme: light dark } body { margin: 0 }
iframe { border: 0; width: WIDTHpx; height: HEIGHTpx }</style>
<iframe id="page" srcdoc="PAGE"></iframe><pre id="found"></pre>
<script>
addEventListener('message', (event) => {
  document.getElementById('found').textContent = encodeURIComponent(JSON.stringify(event.data));
});
</script>"""


def chromium() -> str:
    """Path of the browser; without one the test is skipped."""
    found = next(filter(None, map(shutil.which, _NAMES)), None)
    if found is None:
        pytest.skip(f'none of {", ".join(_NAMES)} is installed')
    return found


def look(
    page: Path,
    folder: Path,
    probe: str,
    size: tuple[int, int] = (1280, 800),
    dark: bool = False,
    script: bool = True,
) -> tuple[Any, np.ndarray]:
    """Open a page, run a probe in it, take a picture.

    Args:
        page: The HTML file.
        folder: For the browser's files.
        probe: Expression of JavaScript, a value for JSON or a promise of one.
        size: Width and height of the window in pixels.
        dark: Colour scheme that the reader prefers.
        script: False takes the page's own scripts away.

    Returns:
        What the probe gives, and the picture, uint8 BGR.
    """
    text = _POLICY.sub('', page.read_text('utf-8'))  # it would forbid the probe
    if not script:
        text = re.sub('<script>.*?</script>', '', text, flags=re.DOTALL)
    # After two frames: the layout is done.
    probe = f"""<script>addEventListener('load', async () => {{
        const tick = () => new Promise((done) => setTimeout(done, 30));
        await tick();
        parent.postMessage(await ({probe}), '*');
    }});</script></body>"""
    text = text.replace('</body>', probe)
    frame = _FRAME.replace('WIDTH', str(size[0])).replace('HEIGHT', str(size[1]))
    file, picture = folder / 'frame.html', folder / 'screenshot.png'
    file.write_text(frame.replace('PAGE', html.escape(text)), encoding='utf-8')
    command = [chromium(), '--headless', '--no-sandbox', '--disable-gpu', '--hide-scrollbars']
    command += [
        f'--user-data-dir={folder / "profile"}',
        f'--window-size={max(size[0], 500)},{size[1]}',
    ]
    command += [f'--blink-settings=preferredColorScheme={0 if dark else 1}']
    command += ['--virtual-time-budget=4000', f'--screenshot={picture}', '--dump-dom']
    done = subprocess.run(
        [*command, file.as_uri()], capture_output=True, text=True, timeout=120, check=False
    )
    found = re.search('<pre id="found">([^<]+)</pre>', done.stdout)
    assert found, done.stderr[-2000:] + done.stdout[-500:]
    return json.loads(unquote(found[1])), cv2.imread(str(picture))[: size[1], : size[0]]
