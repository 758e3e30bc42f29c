"""The table from an MP4 file's header against that from all of its packets."""

from pathlib import Path

import av
import numpy as np
import pytest

from poodle_mm.datasets.video.frame_table import (
    FrameTable,
    is_movie_file,
    table_from_header,
    table_from_packets,
)
from poodle_mm.datasets.video.movie_box import composition_offsets, movie_box
from poodle_mm.datasets.video.reader import VideoReader
from tests.test_datasets.test_video.test_reader import FILES, UNEVEN
from tests.test_datasets.video_factory import read_number, write_video


def both_tables(path: Path) -> tuple[FrameTable | None, FrameTable]:
    """From a file opened by its header alone, and from one that FFmpeg has looked into."""
    with VideoReader(path) as quick, VideoReader(path, quick=False) as plain:
        header = table_from_header(str(path), quick._video.stream) if quick._quick else None
        return header, table_from_packets(plain._video.container, plain._video.stream)


def assert_same(a: FrameTable, b: FrameTable) -> None:
    for x, y in zip(a, b, strict=True):
        if x is y is None:
            continue
        np.testing.assert_array_equal(x, y)
        assert np.asarray(x).dtype == np.asarray(y).dtype


def remux(source: Path, target: Path, change=lambda number, packet: None, **options) -> Path:
    """Copy the packets into another MP4 file, changed."""
    with av.open(str(source)) as old, av.open(str(target), 'w', options=options) as new:
        stream = new.add_stream_from_template(old.streams.video[0])
        for number, packet in enumerate(old.demux(video=0)):
            if packet.dts is not None:
                change(number, packet)
                packet.stream = stream
                new.mux(packet)
    return target


@pytest.mark.parametrize('name', FILES)
def test_quick_and_plain_reading_agree(name, tmp_path):
    """Bit for bit: frames, times, keyframes and what the header announces."""
    path = write_video(tmp_path / name, **FILES[name])
    with VideoReader(path) as quick, VideoReader(path, quick=False) as plain:
        assert quick.header_length() == plain.header_length()
        assert quick.has_end() and plain.has_end()
        assert_same(quick.table, plain.table)
        numbers = [3, 17, 39]
        for a, b in zip(quick.read(numbers), plain.read(numbers), strict=True):
            np.testing.assert_array_equal(a, b)
        for a, b in zip(quick.thumbnails(5, 8, (9, 16)), plain.thumbnails(5, 8, (9, 16))):
            np.testing.assert_array_equal(a, b)
    header, packets = both_tables(path)
    assert (header is not None) == (path.suffix in ('.mp4', '.mov')), 'whose header suffices'
    if header is not None:
        assert_same(header, packets)


def test_edit_list_cuts_frames_without_reordering(tmp_path):
    path = write_video(tmp_path / 'a.mp4', times=[t - 500 for t in UNEVEN])
    header, packets = both_tables(path)
    assert len(packets.pts) < 40
    assert_same(header, packets)
    with VideoReader(path) as video:
        assert read_number(video.read([len(video) - 1])[0]) == 39


@pytest.mark.parametrize('b_frames', [2, 4])
@pytest.mark.parametrize('flags', ['faststart', 'negative_cts_offsets'])
def test_reordering_is_read_from_the_header(b_frames, flags, tmp_path):
    """Offsets from decoding to presentation, of either sign."""
    path = write_video(tmp_path / 'a.mp4', b_frames=b_frames)
    path = remux(path, tmp_path / 'b.mp4', movflags=flags)
    header, packets = both_tables(path)
    assert_same(header, packets)
    assert (header.key_dts < header.key_pts).all() or flags == 'negative_cts_offsets'


def test_negative_offsets_that_ffmpeg_does_not_look_at(tmp_path):
    """It shifts decoding times by what it finds in all entries of the list but the last two."""
    for number in range(2, 9):
        path = write_video(tmp_path / 'a.mp4', number, b_frames=2)
        path = remux(path, tmp_path / 'b.mp4', movflags='negative_cts_offsets')
        header, packets = both_tables(path)
        if header is not None:
            assert_same(header, packets)
        with VideoReader(path) as video:
            assert [read_number(image) for image in video.read(range(number))] == [*range(number)]
    assert header is not None


def test_reordered_frames_that_an_edit_list_cuts(tmp_path):
    """FFmpeg's index then lacks samples that the header's offsets count."""
    path = write_video(tmp_path / 'a.mp4', times=[t - 500 for t in UNEVEN], b_frames=2)
    header, packets = both_tables(path)
    assert len(packets.pts) < 40
    if header is not None:
        assert_same(header, packets)
    with VideoReader(path) as video:
        assert_same(video.table, packets)
        assert read_number(video.read([len(video) - 1])[0]) == 39


def test_damaged_offsets_are_left_to_the_packets(tmp_path):
    path = write_video(tmp_path / 'a.mp4', b_frames=2)
    content = path.read_bytes()
    place = content.index(b'ctts') + 8  # the number of entries
    for number in (0, 1, 2**31):
        path.write_bytes(content[:place] + number.to_bytes(4, 'big') + content[place + 4 :])
        movie = movie_box(str(path))
        assert composition_offsets(movie, 1, 40) is None
    assert len(composition_offsets(content[content.index(b'moov') - 4 :], 1, 40)) == 40
    other = content.replace(
        b'stsz' + bytes(8) + (40).to_bytes(4, 'big'), b'stsz' + bytes(11) + b'*'
    )
    assert composition_offsets(other[content.index(b'moov') - 4 :], 1, 40) is None
    assert composition_offsets(content[content.index(b'moov') - 4 :], 2, 40) is None


def test_times_that_differ_from_decoding_times_without_reordering(tmp_path):
    """Composition offsets that keep the order: the decoder sees no reordering, the table must."""
    plain = write_video(tmp_path / 'plain.mp4')

    def jitter(number, packet):
        packet.pts += 37 * (number % 3)

    path = remux(plain, tmp_path / 'jitter.mp4', jitter)
    header, packets = both_tables(path)
    assert_same(header, packets)
    assert len(set(np.diff(packets.pts).tolist())) > 1
    with VideoReader(path) as video:
        assert_same(video.table, packets)
        assert [read_number(video.read([i])[0]) for i in (2, 30)] == [2, 30]


def test_fragments_and_files_cut_off_are_left_to_their_packets(tmp_path):
    plain = write_video(tmp_path / 'plain.mp4')
    fragments = remux(plain, tmp_path / 'f.mp4', movflags='frag_keyframe+empty_moov')
    header, packets = both_tables(fragments)
    assert header is None and len(packets.pts) == 40

    front = remux(plain, tmp_path / 'front.mp4', movflags='faststart')
    header, packets = both_tables(front)
    assert_same(header, packets)
    content = front.read_bytes()
    front.write_bytes(content[: 3 * len(content) // 4])
    header, packets = both_tables(front)
    assert header is None and 0 < len(packets.pts) < 40
    with VideoReader(front) as video:
        assert len(video) == len(packets.pts)


def test_real_videos(test_data):
    in_order = 0
    for path in sorted(test_data.glob('videos/*/*.mp4')):
        header, packets = both_tables(path)
        with VideoReader(path) as video:
            liar = not video.is_in_order()
        # its B-frames have times in the order of decoding, and its header does not know of them
        assert liar == (path.name == 'drive_portugal_road.mp4')
        if header is not None and not liar:
            in_order += 1
            assert_same(header, packets)
        with VideoReader(path) as quick, VideoReader(path, quick=False) as plain:
            assert quick.header_length() == plain.header_length()
            for a, b in zip(quick.read([3, 7]), plain.read([3, 7]), strict=True):
                np.testing.assert_array_equal(a, b)
    assert in_order >= 3


def test_nothing_is_decoded_to_open_an_mp4_file(tmp_path, monkeypatch):
    """What the quick way is for: FFmpeg gets told, and MP4 alone is opened so."""
    paths = [write_video(tmp_path / name, 5, codec=c) for name, c in CONTAINERS.items()]
    options, opened = [], av.open
    monkeypatch.setattr(
        av, 'open', lambda path, **kwargs: options.append(kwargs['options']) or opened(path)
    )
    for path in paths:
        VideoReader(path).close()
        VideoReader(path, quick=False).close()
    assert [bool(o) for o in options] == [True, False, True, False] + 4 * [False]
    assert not is_movie_file(str(tmp_path / 'none.mp4'))


CONTAINERS = {'a.mp4': 'libx264', 'a.mov': 'libx264', 'a.mkv': 'libx264', 'a.avi': 'mpeg4'}


@pytest.mark.parametrize('name', FILES)
def test_keyframes_are_those_that_decode_alone(name, tmp_path):
    path = write_video(tmp_path / name, **FILES[name])
    with av.open(str(path)) as container:
        flags = [frame.key_frame for frame in container.decode(video=0)]
    with VideoReader(path) as video:
        keyframes = video.keyframes
        assert keyframes.tolist() == np.flatnonzero(flags).tolist()
        assert keyframes[0] == 0 and (len(keyframes) == 40) == (name == 'all_key.mp4')
