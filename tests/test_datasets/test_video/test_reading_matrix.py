"""Damaged files give the right frame or an error; the table in the docs has every case."""

from collections import Counter
from pathlib import Path

import av
import numpy as np
import pytest

from poodle_mm.datasets.video import file as video_file
from poodle_mm.datasets.video.reader import VideoReader
from tests.test_datasets.test_video.reading_matrix import (
    BEGIN,
    CASES,
    END,
    damaged,
    outcomes,
    sequential,
)
from tests.test_datasets.video_factory import write_video

DOCS = Path(__file__).parents[3] / 'docs' / 'reliability.md'


@pytest.mark.parametrize('name', CASES)
def test_damage_raises_nothing_but_the_named_error(name, tmp_path):
    path = write_video(tmp_path / name, **CASES[name])
    shown = sequential(path)
    assert outcomes(path, shown, step=9) == {'right': 5}
    found = sum((outcomes(copy, shown, step=9) for copy in damaged(path, 3)), Counter())
    assert (
        found.total() == 15 and found['right'] + found['refused'] >= found['wrong'] + found['other']
    )


def damage_a_packet(source: Path, target: Path, number: int) -> None:
    """Invert the middle half of one packet."""
    with av.open(str(source)) as old, av.open(str(target), 'w') as new:
        stream = new.add_stream_from_template(old.streams.video[0])
        for i, packet in enumerate(p for p in old.demux(video=0) if p.size):
            if i == number:
                data = np.frombuffer(bytes(packet), np.uint8).copy()
                quarter = len(data) // 4
                data[quarter:-quarter] ^= 255
                changed = av.Packet(data.tobytes())
                changed.pts, changed.dts = packet.pts, packet.dts
                changed.time_base, changed.is_keyframe = packet.time_base, packet.is_keyframe
                packet = changed
            packet.stream = stream
            new.mux(packet)


@pytest.mark.parametrize(
    'arguments',
    [dict(), dict(codec='mpeg4'), dict(options={'coder': '0'})],
    ids=['cabac', 'mpeg4', 'cavlc'],
)
def test_concealment_is_no_frame(arguments, tmp_path, monkeypatch):
    """What FFmpeg makes up for a damaged packet is refused, and what does not need it is read."""
    path = write_video(tmp_path / 'a.mkv', **arguments)
    shown = sequential(path)
    concealed = Counter()
    for number in (3, 14, 17, 26):
        damage_a_packet(path, tmp_path / 'b.mkv', number)
        found = outcomes(tmp_path / 'b.mkv', shown)
        assert (
            found['wrong'] == found['other'] == 0
            and found['right'] >= 28
            and 1 <= found['refused'] <= 12
        )
        with monkeypatch.context() as patch:
            patch.setattr(video_file, 'ERROR_DETECTION', 'ignore_err')
            concealed += outcomes(tmp_path / 'b.mkv', shown)
    assert concealed['wrong'] > 0


def test_a_packet_that_the_container_calls_damaged(tmp_path):
    """A transport stream says so; the frames keep their numbers."""
    path = write_video(tmp_path / 'a.ts', 40, b_frames=2)
    data = bytearray(path.read_bytes())
    shown = sequential(path)
    with av.open(str(path)) as container:
        packets = [packet for packet in container.demux(video=0) if packet.size]
    start = next(packet.pos for packet in packets if packet.pts == packets[0].pts + 20 * 3000)
    data[start + 1] |= 0x80  # transport_error_indicator
    path.write_bytes(data)
    found = outcomes(path, shown)
    assert found['wrong'] == found['other'] == 0 and found['refused'] >= 1 and found['right'] >= 20


def test_a_stream_without_a_decoder_is_named(tmp_path):
    path = write_video(tmp_path / 'a.avi', codec='mpeg4')
    path.write_bytes(path.read_bytes().replace(b'FMP4', b'zzzz'))
    with pytest.raises(video_file.FrameReadError, match=r'a\.avi: no decoder'):
        VideoReader(path)


def test_the_table_in_the_docs_has_every_case():
    lines = DOCS.read_text().split(BEGIN)[1].split(END)[0].strip().splitlines()
    assert len(lines) == 2 + len(CASES)
    assert all('| 40 of 40 |' in line for line in lines[2:])
