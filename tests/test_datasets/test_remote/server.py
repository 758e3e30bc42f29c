"""A web server of a folder, with ranges of bytes, and with faults on demand."""

import os
import re
import threading
import time
from collections import Counter
from contextlib import contextmanager
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

from poodle_mm.datasets.video.index import build_index
from poodle_mm.datasets.video.video_table import VideoInfo


class FolderServer(ThreadingHTTPServer):
    """Serves a folder on a free port of this machine.

    Attributes:
        root: The folder.
        url: Address of it.
        log: (method, path, first byte or None, last byte or None) of each request.
        sent: Bytes of file content by path.
        faults: (path's end) to a function that gets the handler and the number of the requests for
            that file so far, and returns whether it has dealt with the request.
        ranges: Whether ranges are answered.
        listings: Whether folders are listed.
    """

    daemon_threads = True

    def __init__(self, root: Path) -> None:
        super().__init__(('127.0.0.1', 0), _Handler)
        self.root = root
        self.url = f'http://127.0.0.1:{self.server_port}'
        self.log = []
        self.sent = Counter()
        self.faults = {}
        self.ranges = self.listings = True

    def handle_error(self, request, client_address) -> None:
        """Clients go away: nothing to be told."""

    def gets(self, end: str) -> int:
        """Number of GET requests for a file."""
        return sum(method == 'GET' and path.endswith(end) for method, path, *_ in self.log)


class _Handler(SimpleHTTPRequestHandler):
    protocol_version = 'HTTP/1.1'

    def translate_path(self, path: str) -> str:
        self.directory = str(self.server.root)
        return super().translate_path(path)

    def log_message(self, *args) -> None:
        pass

    def list_directory(self, path: str):
        if not self.server.listings:
            self.send_error(403)
            return None
        return super().list_directory(path)

    def do_HEAD(self) -> None:
        self._answer('HEAD')

    def do_GET(self) -> None:
        self._answer('GET')

    def _answer(self, method: str) -> None:
        span = re.fullmatch(r'bytes=(\d+)-(\d+)', self.headers.get('Range', ''))
        span = tuple(map(int, span.groups())) if span and self.server.ranges else None
        self.server.log.append((method, self.path, *(span or (None, None))))
        for end, fault in self.server.faults.items():
            if self.path.endswith(end):
                number = sum(path.endswith(end) for _, path, *_ in self.server.log)
                if fault(self, number):
                    return
        path = self.translate_path(self.path)
        if not os.path.isfile(path):
            super().do_HEAD() if method == 'HEAD' else super().do_GET()
            return
        content = Path(path).read_bytes()
        start, stop = (span[0], min(span[1] + 1, len(content))) if span else (0, len(content))
        if span and start >= len(content):
            self.send_error(416)
            return
        self.send_response(206 if span else 200)
        self.send_header('Content-Length', str(stop - start))
        self.send_header('Content-Type', 'video/mp4')
        self.send_header('Last-Modified', self.date_time_string(os.stat(path).st_mtime))
        if span:
            self.send_header('Content-Range', f'bytes {start}-{stop - 1}/{len(content)}')
        self.end_headers()
        if method == 'GET':
            self.server.sent[self.path] += stop - start
            self.wfile.write(content[start:stop])


@contextmanager
def serving(root: Path):
    """A :class:`FolderServer` that runs while the block does."""
    server = FolderServer(root)
    thread = threading.Thread(target=server.serve_forever, kwargs=dict(poll_interval=0.02))
    thread.start()
    try:
        yield server
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def status(code: int, until: int = 10**9, method: str = ''):
    """A fault: this status for the first ``until`` requests."""

    def fault(handler: _Handler, number: int) -> bool:
        if number > until or (method and handler.command != method):
            return False
        handler.send_error(code)
        return True

    return fault


def cut(until: int = 10**9):
    """A fault: the connection ends in the middle of the content."""

    def fault(handler: _Handler, number: int) -> bool:
        if number > until or handler.command != 'GET':
            return False
        handler.send_response(206)
        handler.send_header('Content-Length', '100000')
        handler.end_headers()
        handler.wfile.write(b'\0' * 1000)
        handler.close_connection = True
        handler.connection.close()
        return True

    return fault


def slow(seconds: float, until: int = 10**9):
    """A fault: silence before the answer."""

    def fault(handler: _Handler, number: int) -> bool:
        if number <= until and handler.command == 'GET':
            time.sleep(seconds)
        return False

    return fault


def entries(root: str | Path, **options) -> list[VideoInfo]:
    """What the index knows of each file below a root, unusable ones too, in order."""
    index = build_index(root, **options)
    bad = (VideoInfo(path, 0, 0, error=error) for path, error in index.bad.items())
    return sorted([*index.videos, *bad], key=lambda info: info.path)
