"""Exact frames from generated files that carry their frame numbers."""

import itertools
import os
from fractions import Fraction

import av
import cv2
import numpy as np
import pytest

from poodle_mm.datasets.video.decoding import OpenVideo
from poodle_mm.datasets.video.reader import FrameReadError, VideoReader
from tests.test_datasets.video_factory import read_number, write_video

RNG = np.random.default_rng(0)
UNEVEN = np.cumsum(RNG.integers(11, 90, size=40)).tolist()
FILES = {
    'plain.mp4': dict(),
    'b_frames.mp4': dict(b_frames=3),
    'b_frames.mkv': dict(b_frames=3),
    'b_frames.ts': dict(b_frames=3),
    'b_pyramid.mov': dict(b_frames=4, gop=250, options={'b-pyramid': 'normal'}),
    'open_gop.mp4': dict(b_frames=3, options={'x264-params': 'open-gop=1'}),
    'short_gop.mp4': dict(b_frames=2, gop=3, options={'x264-params': 'scenecut=0'}),
    'all_key.mp4': dict(gop=1),
    'uneven.mp4': dict(times=UNEVEN, b_frames=2),
    'uneven.mkv': dict(times=UNEVEN, b_frames=2),
    'late.mp4': dict(times=[t + 1000 for t in UNEVEN]),
    'mpeg4.avi': dict(codec='mpeg4'),
    'mpeg4.mp4': dict(codec='mpeg4', b_frames=2),
}
AV1 = dict(codec='libsvtav1', options={'preset': '12'})
HEVC = dict(codec='libx265', b_frames=3, options={'x265-params': 'log-level=0'})
OTHERS = {
    'av1.mp4': AV1,
    'av1.mkv': AV1,
    'av1.webm': AV1,
    'av1_10_bit.mp4': dict(AV1, pix_fmt='yuv420p10le'),
    'hevc.mp4': HEVC,
    'hevc.mkv': HEVC,
    'hevc.ts': HEVC,
    'hevc_10_bit.mp4': dict(HEVC, pix_fmt='yuv420p10le'),
    'h264_10_bit.mp4': dict(b_frames=2, pix_fmt='yuv420p10le'),
    'vp8.webm': dict(codec='libvpx'),
    'vp9.webm': dict(codec='libvpx-vp9'),
    'prores.mov': dict(codec='prores_ks', pix_fmt='yuv422p10le'),
    'mjpeg.mov': dict(codec='mjpeg', pix_fmt='yuvj420p'),
    'mjpeg.avi': dict(codec='mjpeg', pix_fmt='yuvj420p'),
    # times are missing, or in the order of decoding
    'h264.avi': dict(b_frames=2),
    'mpeg4_b.avi': dict(codec='mpeg4', b_frames=2),
    'mpeg2.mpg': dict(codec='mpeg2video', b_frames=2),
    'mpeg2.vob': dict(codec='mpeg2video', b_frames=2),
    'mpeg1.mpeg': dict(codec='mpeg1video', b_frames=2),
    'h264.mpg': dict(b_frames=2),
    'h264_b.wmv': dict(b_frames=2),
    'wmv2.wmv': dict(codec='wmv2'),
    'open_gop.avi': dict(b_frames=3, options={'x264-params': 'open-gop=1'}),
    'open_gop.ts': dict(b_frames=3, options={'x264-params': 'open-gop=1'}),
    'open_gop.m2ts': dict(b_frames=3, options={'x264-params': 'open-gop=1'}),
    'mpeg2.ts': dict(codec='mpeg2video', b_frames=2),
    'h264.flv': dict(b_frames=2),
    'h264.3gp': dict(b_frames=2),
}


@pytest.fixture(scope='module')
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp('videos')


@pytest.fixture(params=FILES)
def video_path(request, folder):
    path = folder / request.param
    return path if path.exists() else write_video(path, **FILES[request.param])


def test_every_frame_alone(video_path):
    with VideoReader(video_path) as video:
        assert len(video) == 40
        order = np.random.default_rng(1).permutation(40).tolist()
        assert [read_number(video.read([i])[0]) for i in order] == order


@pytest.mark.parametrize('name', OTHERS)
def test_other_codecs_and_containers_against_sequential_decoding(name, tmp_path):
    path = write_video(tmp_path / name, **OTHERS[name])
    with av.open(str(path)) as container:
        shown = [frame.to_ndarray(format='rgb24') for frame in container.decode(video=0)]
    assert [read_number(image) for image in shown] == list(range(40))
    with VideoReader(path) as video:
        assert len(video) == 40
        np.testing.assert_allclose(video.timestamps, np.arange(40) / 30, atol=2e-3)
        assert video.keyframes[0] == 0
        for index in np.random.default_rng(2).permutation(40).tolist():
            np.testing.assert_array_equal(video.read([index])[0], shown[index])
        for image, index in zip(video.read([30, 5, 17]), (30, 5, 17), strict=True):
            np.testing.assert_array_equal(image, shown[index])


@pytest.mark.parametrize('suffix', ['mp4', 'mkv'])
def test_times_in_the_order_of_decoding(suffix, tmp_path):
    """What a careless remuxer makes of AVI, and some recorders write."""
    right = write_video(tmp_path / 'right.mp4', b_frames=2)
    wrong = tmp_path / f'wrong.{suffix}'
    with av.open(str(right)) as old, av.open(str(wrong), 'w') as new:
        stream = new.add_stream_from_template(old.streams.video[0])
        for number, packet in enumerate(p for p in old.demux(video=0) if p.size):
            packet.pts = packet.dts = 512 * number
            packet.stream = stream
            new.mux(packet)
    with VideoReader(wrong) as video:
        assert len(video) == 40 and not video.is_in_order()
        assert [read_number(video.read([i])[0]) for i in range(40)] == list(range(40))
        np.testing.assert_allclose(np.diff(video.timestamps), video.timestamps[1], atol=2e-3)


def test_times_out_of_order_are_noticed_on_the_way(tmp_path):
    """Two packets after the first ones that exchange their times."""
    right = write_video(tmp_path / 'right.mkv', b_frames=2, gop=100)
    with VideoReader(right) as video:
        pts = video.table.pts.tolist()
    change = {pts[20]: pts[23], pts[23]: pts[20]}
    with av.open(str(right)) as old, av.open(str(tmp_path / 'wrong.mkv'), 'w') as new:
        stream = new.add_stream_from_template(old.streams.video[0])
        for number, packet in enumerate(old.demux(video=0)):
            if packet.size:
                packet.pts = change.get(packet.pts, packet.pts)
                packet.dts = 33 * number - 1000  # before any pts, as the format asks
                packet.stream = stream
                new.mux(packet)
    with VideoReader(tmp_path / 'wrong.mkv') as video:
        assert read_number(video.read([15])[0]) == 15
        with pytest.raises(FrameReadError, match=r'wrong\.mkv: its time stamps are not in order'):
            video.read(range(18, 31))


def test_every_distance_in_one_call(video_path):
    """Pairs within one group of pictures and across keyframes, in both orders."""
    with VideoReader(video_path) as video:
        for a, b in itertools.product(range(0, 40, 7), range(0, 40, 3)):
            assert [read_number(image) for image in video.read([a, b])] == [a, b]


@pytest.mark.parametrize('name', ['uneven.mp4', 'uneven.mkv', 'late.mp4'])
def test_timestamps(name, folder):
    path = write_video(folder / f'times_{name}', **FILES[name])
    expected = (np.array(UNEVEN) - UNEVEN[0]) / 1000
    with VideoReader(path) as video:
        # Matroska and x264's own time base round to a millisecond
        np.testing.assert_allclose(video.timestamps, expected, atol=1.1e-3)


def test_edit_list(tmp_path):
    """Frames before time 0 are cut off by an edit list: decoded for reference, never shown."""
    path = write_video(tmp_path / 'a.mp4', times=[t - 500 for t in UNEVEN], b_frames=2)
    with av.open(str(path)) as container:
        shown = [read_number(f.to_ndarray(format='rgb24')) for f in container.decode(video=0)]
    assert shown[0] > 0
    with VideoReader(path) as video:
        assert [read_number(video.read([i])[0]) for i in range(len(video))] == shown


@pytest.mark.parametrize('rotation', [90, 180, -90])
def test_rotation_as_opencv_does_it(rotation, tmp_path):
    path = write_video(tmp_path / 'turned.mp4', 4, rotation=rotation)
    with VideoReader(path) as video:
        ours = video.read([3])[0]
    capture = cv2.VideoCapture(str(path))
    capture.set(cv2.CAP_PROP_ORIENTATION_AUTO, 1)
    theirs = [capture.read()[1] for _ in range(4)][3][..., ::-1]
    assert ours.shape == theirs.shape
    assert np.abs(ours.astype(int) - theirs).mean() < 5
    # and by hand: the red corner block is at the bottom left before turning
    corner = {90: (-1, -1), 180: (0, -1), -90: (0, 0)}[rotation]
    assert ours[corner][0] > 200 and ours[corner][1] < 50
    assert read_number(np.rot90(ours, -rotation // 90)) == 3


def test_real_videos_equal_sequential_decoding(test_data):
    """Frames of real files: the same pixels as decoding from the start."""
    for path in sorted(test_data.glob('videos/*/*.mp4')):
        with av.open(str(path)) as container:
            container.streams.video[0].thread_type = 'AUTO'
            all_frames = [
                (i, frame.to_ndarray(format='rgb24')[::8, ::8])
                for i, frame in enumerate(container.decode(video=0))
                if i % 67 == 0 or i in (62, 63, 157, 158)
            ]
        with VideoReader(path) as video:
            for index, expected in reversed(all_frames):
                np.testing.assert_array_equal(video.read([index])[0][::8, ::8], expected)


def test_second_seek_only_across_a_keyframe(tmp_path, monkeypatch):
    path = write_video(tmp_path / 'a.mp4', gop=12, options={'x264-params': 'scenecut=0'})
    with VideoReader(path) as video:
        assert video.table.key_pts.size == 4
        runs = []
        decode = OpenVideo.decode
        monkeypatch.setattr(
            OpenVideo, 'decode', lambda self, *args: runs.append(1) or decode(self, *args)
        )
        video.read([1, 11])
        assert len(runs) == 1
        video.read([11, 12])
        assert len(runs) == 3


def test_wrong_frame_number(tmp_path):
    with VideoReader(write_video(tmp_path / 'a.mp4', 5)) as video:
        for index in (-1, 5):
            with pytest.raises(IndexError, match=r'a\.mp4: no frame -?\d among 5'):
                video.read([0, index])


@pytest.mark.parametrize(
    'content',
    [b'', b'this is no video\n' * 99, b'\0\0\0\x18ftypmp42'],
    ids=['empty', 'text', 'stub'],
)
def test_no_video(tmp_path, content):
    path = tmp_path / 'bad.mp4'
    path.write_bytes(content)
    with pytest.raises(FrameReadError, match=r'bad\.mp4'), VideoReader(path) as video:
        len(video)


def test_missing_file(tmp_path):
    with pytest.raises(FrameReadError, match=r'none\.mp4'):
        VideoReader(tmp_path / 'none.mp4')


def test_audio_only(tmp_path):
    path = tmp_path / 'sound.mp4'
    with av.open(str(path), 'w') as container:
        stream = container.add_stream('aac', rate=44100)
        frame = av.AudioFrame.from_ndarray(np.zeros((1, 1024), np.float32), 'fltp', 'mono')
        frame.sample_rate = 44100
        container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    with pytest.raises(FrameReadError, match='no video stream'):
        VideoReader(path)


def test_cut_off_file_gives_what_is_there(tmp_path):
    """With the index in front (faststart) a truncated file opens; its table ends early."""
    path = write_video(tmp_path / 'whole.ts', 40)
    cut = tmp_path / 'cut.ts'
    cut.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
    with VideoReader(cut) as video:
        assert 5 < len(video) < 40
        last = len(video) - 2
        assert read_number(video.read([last])[0]) == last


def test_damaged_packets_name_the_frame(tmp_path):
    path = write_video(tmp_path / 'a.mp4', 40, gop=40)
    with VideoReader(path) as video:
        table = video.table
    data = bytearray(path.read_bytes())
    start = data.index(b'mdat') + 8
    data[start + 16 : start + 60000] = bytes(len(data[start + 16 : start + 60000]))
    path.write_bytes(data)
    with pytest.raises(FrameReadError, match=r'a\.mp4'), VideoReader(path, table) as video:
        video.read([20])


def write_jpegs(path, sizes, other_first=False):
    """Motion JPEG of grey pictures of these (H, W); a thumbnail track may come first."""
    with av.open(str(path), 'w') as container:
        if other_first:
            thumbnail = container.add_stream('mjpeg', rate=1)
            thumbnail.height, thumbnail.width, thumbnail.pix_fmt = 24, 32, 'yuvj420p'
        stream = container.add_stream('mjpeg', rate=30)
        stream.height, stream.width = sizes[0]
        stream.pix_fmt = 'yuvj420p'
        if other_first:
            container.mux(thumbnail.encode(av.VideoFrame(32, 24, 'yuvj420p')))
            container.mux(thumbnail.encode(None))
        for number, size in enumerate(sizes):
            _, content = cv2.imencode('.jpg', np.full((*size, 3), 4 * number, np.uint8))
            packet = av.Packet(content.tobytes())
            packet.pts = packet.dts = 512 * number
            packet.time_base = Fraction(1, 30 * 512)
            packet.is_keyframe = True
            packet.stream = stream
            container.mux(packet)
    return path


@pytest.mark.parametrize('suffix', ['mkv', 'avi', 'mov'])
def test_pictures_that_change_their_size(suffix, tmp_path):
    path = write_jpegs(tmp_path / f'a.{suffix}', [(48, 64)] * 10 + [(96, 64)] * 10)
    for pair in ([3, 4], [14, 15]):
        with VideoReader(path) as video:
            assert {image.shape for image in video.read(pair)} == {(48 + 48 * (pair[0] > 9), 64, 3)}
    message = rf'a\.{suffix}: its pictures change from 64x48 to 64x96'
    with VideoReader(path) as video, pytest.raises(FrameReadError, match=message):
        video.read([3, 14])
    with VideoReader(path) as video, pytest.raises(FrameReadError, match=message):
        video.thumbnails(8, 12, (9, 16))
    with VideoReader(path) as video:
        video.read([3])
        with pytest.raises(FrameReadError, match=message):
            video.read([14])


@pytest.mark.parametrize('suffix', ['mkv', 'avi', 'mov'])
def test_a_thumbnail_track_is_not_the_video(suffix, tmp_path):
    path = write_jpegs(tmp_path / f'a.{suffix}', [(48, 64)] * 10, other_first=True)
    with VideoReader(path) as video:
        assert video.num_streams == 2 and len(video) == 10
        images = video.read([2, 9])
    assert [(image.shape, round(image.mean())) for image in images] == [
        ((48, 64, 3), 8),
        ((48, 64, 3), 36),
    ]


@pytest.mark.parametrize('first', [True, False])
def test_a_cover_picture_is_not_the_video(first, tmp_path):
    """The atom ``covr``, as programs for tags write it (ISO/IEC 14496-12 boxes, iTunes names)."""
    path = write_video(tmp_path / 'a.mp4', 20)
    add_cover(path, first)
    with av.open(str(path)) as container:
        assert len(container.streams.video) == 2
        assert (container.streams.video[0].codec_context.name == 'mjpeg') == first
    with VideoReader(path) as video:
        assert video.num_streams == 1
        assert [read_number(image) for image in video.read([7, 19])] == [7, 19]
    content = path.read_bytes()
    path.write_bytes(content.replace(b'trak', b'free'))
    with pytest.raises(FrameReadError, match=r'a\.mp4: holds no video but a cover picture'):
        VideoReader(path)


def add_cover(path, first: bool) -> None:
    def box(kind: bytes, payload: bytes) -> bytes:
        return (8 + len(payload)).to_bytes(4, 'big') + kind + payload

    jpeg = cv2.imencode('.jpg', np.zeros((32, 32, 3), np.uint8))[1].tobytes()
    data = box(b'data', (13).to_bytes(4, 'big') + bytes(4) + jpeg)
    handler = box(b'hdlr', bytes(8) + b'mdirappl' + bytes(9))
    user = box(b'udta', box(b'meta', bytes(4) + handler + box(b'ilst', box(b'covr', data))))
    content = path.read_bytes()
    at = content.index(b'moov') - 4  # the last box of the file
    body = content[at + 8 :]
    cut = int.from_bytes(body[:4], 'big') if first else len(body)
    path.write_bytes(content[:at] + box(b'moov', body[:cut] + user + body[cut:]))


def test_metadata_in_any_encoding(tmp_path):
    path = tmp_path / 'a.mp4'
    write_video(path, 5)
    with av.open(str(path)) as old, av.open(str(tmp_path / 'b.mp4'), 'w') as new:
        new.metadata['title'] = 'Strasse nach XXXXX'
        stream = new.add_stream_from_template(old.streams.video[0])
        for packet in old.demux(video=0):
            if packet.size:
                packet.stream = stream
                new.mux(packet)
    path = tmp_path / 'b.mp4'
    content = path.read_bytes()
    assert b'XXXXX' in content
    path.write_bytes(content.replace(b'XXXXX', 'Kölnä'.encode('latin-1')))
    with VideoReader(path) as video:
        assert read_number(video.read([3])[0]) == 3


@pytest.mark.parametrize('kind', ['pipe', 'folder', 'link', 'loop', 'long'])
def test_what_is_no_file_is_refused_at_once(kind, tmp_path):
    path = tmp_path / 'a.mp4'
    if kind == 'pipe':
        os.mkfifo(path)
    elif kind == 'folder':
        path.mkdir()
    elif kind == 'long':
        path = tmp_path / f'{"a" * 300}.mp4'
    else:
        path.symlink_to(path if kind == 'loop' else tmp_path / 'gone.mp4')
    reason = {
        'pipe': 'not a regular file',
        'folder': 'not a regular file',
        'link': 'link that leads nowhere',
        'loop': 'Too many levels',
        'long': 'name too long',
    }[kind]
    with pytest.raises(FrameReadError, match=reason):
        VideoReader(path)


def test_a_huge_picture_is_refused_before_it_is_decoded(tmp_path, monkeypatch):
    path = write_video(tmp_path / 'a.mp4', 3)
    monkeypatch.setattr('poodle_mm.datasets.video.file.MAX_PIXELS', 160 * 96 - 1)
    with pytest.raises(FrameReadError, match=r'a\.mp4: its pictures of 160x96 are larger'):
        VideoReader(path)
