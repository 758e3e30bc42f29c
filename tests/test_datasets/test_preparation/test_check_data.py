"""Every kind of defect in tiny trees is found, named, and nothing else; sound data passes."""

import json
import os
import shutil
from types import SimpleNamespace

import cv2
import numpy as np
import pytest
from PIL import Image

from poodle_mm.datasets.preparation import check
from poodle_mm.datasets.preparation.check import check_data
from poodle_mm.datasets.preparation.check_videos import time_oddities
from poodle_mm.datasets.preparation.det_to_coco import convert_file
from poodle_mm.datasets.preparation.report import CheckReport
from tests.test_datasets.test_preparation.tools import run_main
from tests.test_datasets.test_video.test_index import _move_header_to_front
from tests.test_datasets.video_factory import write_video

COUNT = 4


def picture(path, size=(16, 32), mode='RGB', value=0):
    path.parent.mkdir(parents=True, exist_ok=True)
    channels = () if mode == 'L' else (3,)
    rng = np.random.default_rng(value)
    noise = rng.integers(0, 256, (*size, *channels), np.uint8)
    array = noise if mode == 'RGB' else np.full(size, value, np.uint8)
    Image.fromarray(array).save(path)
    return path


def street(root, image, label):
    """Four pairs; ``image`` and ``label`` are patterns of paths with {} for the name."""
    for i in range(COUNT):
        picture(root / image.format(f'city/f{i}' if 'leftImg' in image else f'f{i}'))
        picture(root / label.format(f'city/f{i}' if 'leftImg' in image else f'f{i}'), mode='L')
    return root


@pytest.fixture
def bdd(tmp_path):
    """A small BDD100K: four images of training and validation, one video."""
    root = tmp_path / 'bdd'
    for split in ('train', 'val'):
        street(root, f'images/10k/{split}/{{}}.jpg', f'labels/sem_seg/masks/{split}/{{}}.png')
    write_video(root / 'videos' / 'train' / 'a.mp4', 40)
    return root


@pytest.fixture
def cityscapes(tmp_path):
    root = tmp_path / 'cityscapes'
    for split in ('train', 'val'):
        street(
            root,
            f'leftImg8bit/{split}/{{}}_leftImg8bit.png',
            f'gtFine/{split}/{{}}_gtFine_labelTrainIds.png',
        )
    return root


MASKS = 'labels/sem_seg/masks/train'


def told(report, part=MASKS) -> dict[str, list[str]]:
    """Names by reason of one part; that no other part has a problem is asserted."""
    assert {where for where, _, _ in report.problems} <= {part}, report.text()
    return {reason: names for (_, reason, _), names in report.problems.items()}


def test_sound_but_partial(bdd):
    report = check_data('bdd100k', bdd)
    assert not report.problems and not report.ok
    status = {part.name: (part.found, part.expected, part.status) for part in report.parts}
    assert status == {
        'videos/train': (1, 70_000, 'PARTIAL'),
        'videos/val': (0, 10_000, 'absent, not needed'),
        'videos/train_daytime': (0, None, 'absent, not needed'),
        'images/10k/train': (4, 7000, 'PARTIAL'),
        'labels/sem_seg/masks/train': (4, 7000, 'PARTIAL'),
        'images/10k/val': (4, 1000, 'PARTIAL'),
        'labels/sem_seg/masks/val': (4, 1000, 'PARTIAL'),
        'images/10k/test': (0, 2000, 'absent, not needed'),
    }
    shutil.rmtree(bdd / 'videos')
    report = check_data('bdd100k', bdd)
    assert report.parts[0].status == 'ABSENT'
    assert f'ABSENT: nothing in {bdd}/videos/train\n' in report.text()


def test_folders_are_named_in_full(bdd, monkeypatch):
    """A relative root may be another folder than the user thinks."""
    monkeypatch.chdir(bdd.parent)
    assert check_data('bdd100k', bdd.name).text().startswith(f'bdd100k: {bdd}\n')
    with pytest.raises(FileNotFoundError, match=f'{bdd.parent}/nowhere: no such folder'):
        check_data('bdd100k', 'nowhere')


def test_colour_maps_mistaken_for_ids(bdd):
    picture(bdd / MASKS / 'f1.png')
    image = Image.new('P', (32, 16))
    image.putpalette([128, 64, 128])
    image.save(bdd / MASKS / 'f2.png')
    reasons = told(check_data('bdd100k', bdd))
    assert reasons == {
        'a colour map, not class ids': ['f1.png (mode RGB)'],
        'a palette image: some readers give its ids, others its colours': ['f2.png (mode P)'],
    }
    text = check_data('bdd100k', bdd).text()
    assert 'not colormaps' in text and '2 files with problems' in text


@pytest.mark.parametrize(
    ('value', 'reason'),
    [
        (18, None),
        (255, None),
        (19, "holds Cityscapes' labelIds instead of trainIds"),
        (33, "holds Cityscapes' labelIds instead of trainIds"),
        (34, 'holds ids that are no classes'),
        (254, 'holds ids that are no classes'),
    ],
)
def test_ids(bdd, value, reason):
    picture(bdd / MASKS / 'f1.png', mode='L', value=value)
    reasons = told(check_data('bdd100k', bdd))
    assert reasons == ({reason: [f'f1.png (ids [{value}])']} if reason else {})


def test_sizes_pairs_and_damage(bdd):
    picture(bdd / MASKS / 'f0.png', size=(32, 16), mode='L')
    path = bdd / MASKS / 'f3.png'
    path.write_bytes(path.read_bytes()[:50])
    picture(bdd / MASKS / 'extra.png', mode='L')
    (bdd / MASKS / 'f1.png').unlink()
    path = bdd / 'images' / '10k' / 'train' / 'f2.jpg'
    path.write_bytes(path.read_bytes()[:-200])
    problems = check_data('bdd100k', bdd).problems
    found = {(part, reason): names for (part, reason, _), names in problems.items()}
    truncated = found.pop((MASKS, 'truncated or not an image'))
    assert len(truncated) == 1 and truncated[0].startswith('f3.png')
    assert found == {
        (MASKS, 'size differs from the image'): ['f0.png (16x32, image 32x16)'],
        (MASKS, 'label without its image in images/10k/train'): ['extra.png'],
        ('images/10k/train', f'image without its label in {MASKS}'): ['f1.jpg'],
        ('images/10k/train', 'truncated or not an image'): ['f2.jpg'],
    }


def test_pipes_and_folders_named_like_images(bdd):
    """Are counted, and not waited for."""
    image, label = bdd / 'images/10k/train/f1.jpg', bdd / MASKS / 'f2.png'
    for path in (image, label):
        path.unlink()
        os.mkfifo(path)
    (bdd / MASKS / 'folder.png').mkdir()
    problems = check_data('bdd100k', bdd).problems
    assert {(part, reason): names for (part, reason, _), names in problems.items()} == {
        ('images/10k/train', 'truncated or not an image'): ['f1.jpg (not a regular file)'],
        (MASKS, 'truncated or not an image'): ['f2.png (not a regular file)'],
    }


@pytest.mark.parametrize('channels', [1, 3])
def test_12_bits_in_a_16_bit_image(cityscapes, channels):
    folder = cityscapes / 'leftImg8bit/train/city'
    values = np.linspace(0, 4095, 16 * 32 * channels).reshape(16, 32, channels)
    cv2.imwrite(str(folder / 'f1_leftImg8bit.png'), values.astype(np.uint16))
    cv2.imwrite(str(folder / 'f2_leftImg8bit.png'), (16 * values).astype(np.uint16))
    cv2.imwrite(str(folder / 'f3_leftImg8bit.png'), np.full((16, 32, 3), 7, np.uint8))  # night
    ((_, reason, _), names), *others = check_data('cityscapes', cityscapes).problems.items()
    assert 'nearly black' in reason and names == ['city/f1_leftImg8bit.png'] and not others


def test_variable_rate_and_a_header_that_counts_otherwise_are_noted(tmp_path):
    """Notes, not problems: training reads such videos right."""
    root = tmp_path / 'videos'
    write_video(root / 'steady.mp4', 60)
    times = np.cumsum([33, 33, 100, 33] * 15).tolist()
    write_video(root / 'phone.mp4', 60, times=times)
    path = write_video(root / 'long.avi', 60, codec='mpeg4')
    content = bytearray(path.read_bytes())
    begin = content.index(b'strh') + 8 + 32  # dwLength
    assert int.from_bytes(content[begin : begin + 4], 'little') == 60
    content[begin : begin + 4] = (90).to_bytes(4, 'little')
    path.write_bytes(content)
    report = check_data('videos', root)
    assert report.ok, report.text()
    odd = sorted(note for note in report.notes if ' of 3 ' in note)
    assert len(odd) == 2
    assert 'header that disagrees' in odd[0]
    assert 'long.avi (90 frames, there are 60' in odd[0]
    assert 'variable frame rate' in odd[1]
    assert 'phone.mp4 (33 to 100 ms between frames)' in odd[1]


def test_portrait_videos_are_noted(tmp_path):
    write_video(tmp_path / 'videos' / 'flat.mp4', 40)
    write_video(tmp_path / 'videos' / 'phone.mp4', 40, rotation=90)
    report = check_data('videos', tmp_path / 'videos')
    assert report.ok
    (note,) = [note for note in report.notes if 'higher than wide' in note]
    assert note.startswith(f'{tmp_path}/videos: 1 of 2 ') and note.endswith('phone.mp4 (96x160)')


@pytest.mark.parametrize(
    ('times', 'facts', 'expected'),
    [
        (np.arange(300) / 30, (300, 10.0, 30.0), []),
        (np.arange(300) / 30, (0, 0.0, 0.0), []),  # a header that says nothing
        (np.delete(np.arange(300), 50) / 30, (299, 10.0, 30.0), []),  # one dropped frame
        (np.arange(300) / 30, (300, 12.0, 30.0), ['12.0 s, frames end after 10.0 s']),
        (np.arange(300) / 30, (300, 10.0, 25.0), ['25.00 frames/s, there are 30.00']),
        (np.zeros(1), (1, 0.04, 25.0), []),
    ],
)
def test_times_by_hand(times, facts, expected):
    video = SimpleNamespace(timestamps=times, header_facts=lambda: facts)
    assert [detail for _, detail in time_oddities(video)] == expected


def test_labels_of_2018_and_no_labels(bdd):
    for path in list((bdd / MASKS).iterdir()):
        path.rename(path.with_name(f'{path.stem}_train_id.png'))
    report = check_data('bdd100k', bdd)
    assert told(report) == {
        'labels of 2018, named *_train_id.png': [f'f{i}_train_id.png' for i in range(4)]
    }
    assert 'seg_map_suffix' in report.text()
    shutil.rmtree(bdd / MASKS)
    report = check_data('bdd100k', bdd)
    assert told(report) == {'no file *.png': [MASKS]}


def test_hidden_files_are_noted_and_left_out(bdd):
    (bdd / 'images' / '10k' / 'train' / '._f0.jpg').write_bytes(b'resource fork')
    report = check_data('bdd100k', bdd)
    assert not report.problems
    assert any('1 hidden files such as ._f0.jpg' in note for note in report.notes)


def test_sample_opens_fewer(bdd):
    picture(bdd / MASKS / 'f1.png')
    picture(bdd / MASKS / 'f0.png')
    assert told(check_data('bdd100k', bdd, sample=1)) == {
        'a colour map, not class ids': ['f0.png (mode RGB)']
    }


def test_videos(tmp_path):
    root = tmp_path / 'videos'
    write_video(root / 'good.mp4', 40)
    write_video(root / 'short.mp4', 20)
    (root / 'empty.mp4').write_bytes(b'')
    whole = write_video(tmp_path / 'whole.mp4', 90, options={'crf': '5'})
    _move_header_to_front(whole, root / 'cut.mp4')
    content = (root / 'cut.mp4').read_bytes()
    (root / 'cut.mp4').write_bytes(content[: len(content) // 2])
    (root / '._good.mp4').write_bytes(b'resource fork')
    report = check_data('videos', root)
    assert told(report, '.') == {
        'unreadable or truncated': ['cut.mp4 (truncated)', 'empty.mp4 (empty file)'],
        'shorter than 1 s': ['short.mp4 (0.67 s)'],
    }
    assert any('hidden files' in note for note in report.notes)
    for name in ('short.mp4', 'empty.mp4', 'cut.mp4'):
        (root / name).unlink()
    assert check_data('videos', root).ok


def test_a_frame_in_the_middle_is_decoded(tmp_path):
    path = write_video(tmp_path / 'a.mp4', 60, gop=60)
    content = bytearray(path.read_bytes())
    start = content.index(b'mdat') + 1000
    content[start : start + (len(content) - start) // 2] = bytes((len(content) - start) // 2)
    path.write_bytes(content)
    report = check_data('videos', tmp_path)
    assert list(told(report, '.')) == ['cannot be decoded'], report.text()


def test_walking_tours_sizes_and_count(tmp_path):
    write_video(tmp_path / 'videos' / 'venice.mp4', 40)
    report = check_data('walking-tours', tmp_path)
    assert told(report, 'videos') == {'not 1280x720 as in the paper': ['venice.mp4 (160x96)']}
    assert (report.parts[0].found, report.parts[0].expected) == (1, 10)


def test_cityscapes_without_train_ids(cityscapes):
    assert not check_data('cityscapes', cityscapes).problems
    for path in list((cityscapes / 'gtFine' / 'train').rglob('*.png')):
        path.rename(path.with_name(path.name.replace('labelTrainIds', 'labelIds')))
    report = check_data('cityscapes', cityscapes)
    assert told(report, 'gtFine/train') == {'no file *_gtFine_labelTrainIds.png': ['gtFine/train']}
    assert 'cityscapes_train_ids.py' in report.text()


def test_cityscapes_label_ids_under_the_other_name(cityscapes, test_data):
    """Real labelIds, renamed to labelTrainIds."""
    source = test_data / 'cityscapes'
    target = cityscapes / 'gtFine' / 'train' / 'city' / 'f1_gtFine_labelTrainIds.png'
    shutil.copy(next(source.rglob('*_gtFine_labelIds.png')), target)
    shutil.copy(
        next(source.rglob('*_leftImg8bit.png')),
        cityscapes / 'leftImg8bit' / 'train' / 'city' / 'f1_leftImg8bit.png',
    )
    report = check_data('cityscapes', cityscapes)
    assert list(told(report, 'gtFine/train')) == ["holds Cityscapes' labelIds instead of trainIds"]


def test_real_samples_have_no_problems(test_data, tmp_path):
    for name in ('cityscapes', 'ade20k'):
        report = check_data(name, test_data / name)
        assert not report.problems, report.text()
    assert check_data('camvid', test_data / 'camvid', sample=10).ok
    # ADE20K's labels are no train ids of Cityscapes, and instance ids are no labels at all
    root = tmp_path / 'ade'
    shutil.copytree(test_data / 'ade20k', root, copy_function=shutil.copyfile)
    source = next((test_data / 'cityscapes').rglob('*_instanceIds.png'))
    (label,) = (root / 'annotations' / 'training').iterdir()
    shutil.copyfile(source, label)
    reasons = told(check_data('ade20k', root), 'annotations/training')
    assert list(reasons) == ['not 8 bits a pixel: instance ids, perhaps']


@pytest.fixture
def detection(tmp_path):
    root = tmp_path / 'bdd'
    box = dict(x1=1, y1=2, x2=3, y2=4)
    for split in ('train', 'val'):
        names = [f'f{i}.jpg' for i in range(COUNT)]
        for name in names:
            picture(root / 'images' / '100k' / split / name)
        frames = [dict(name=n, labels=[dict(id='1', category='car', box2d=box)]) for n in names]
        labels = root / 'labels' / 'det_20' / f'det_{split}.json'
        labels.parent.mkdir(parents=True, exist_ok=True)
        labels.write_text(json.dumps(frames))
        convert_file(labels, labels.with_name(f'det_{split}_coco.json'))
    return root


def test_detection(detection):
    report = check_data('bdd100k-det', detection)
    assert not report.problems, report.text()
    counts = {part.name: (part.found, part.expected) for part in report.parts}
    assert counts['labels/det_20/det_train.json'] == (4, 69_863)
    assert counts['images/100k/train'] == (4, 70_000)
    picture(detection / 'images' / '100k' / 'train' / 'unlabelled.jpg')
    report = check_data('bdd100k-det', detection)
    assert not report.problems and 'have no entry' in report.notes[0]


def test_detection_that_is_wrong(detection):
    (detection / 'images' / '100k' / 'train' / 'f1.jpg').unlink()
    path = detection / 'labels' / 'det_20' / 'det_train.json'
    frames = json.loads(path.read_text())
    frames[2]['labels'][0]['category'] = 'tram'
    path.write_text(json.dumps([*frames, dict(name='f9.jpg')]))
    (detection / 'labels' / 'det_20' / 'det_val_coco.json').unlink()
    problems = check_data('bdd100k-det', detection).problems
    found = {(part, reason): names for (part, reason, _), names in problems.items()}
    assert found.pop(('labels/det_20/det_val_coco.json', 'not converted yet'))
    train = 'labels/det_20/det_train.json'
    absent = found.pop((train, 'labelled image that is not in images/100k/train'))
    assert sorted(absent) == ['f1.jpg', 'f9.jpg']
    assert found == {
        (train, 'invalid label'): ["f2.jpg: label 1: unknown category 'tram'"],
        ('labels/det_20/det_train_coco.json', 'made from other labels'): [
            'labels/det_20/det_train_coco.json (4 images, the labels 5)'
        ],
    }
    path.write_text('[{')
    assert any('cannot be read' in key for key in check_data('bdd100k-det', detection).problems)


def test_scenes(tmp_path):
    street(tmp_path, 'images/train/{}.png', 'labels/train/{}.png')
    write_video(tmp_path / 'videos' / 'train' / 'scene_00000.mp4', 40)
    report = check_data('scenes', tmp_path)
    assert told(report, 'meta.json') == {'missing: the set is unfinished': ['meta.json']}
    (tmp_path / 'meta.json').write_text(json.dumps(dict(counts=dict(train=1, val=0, test=0))))
    assert check_data('scenes', tmp_path).ok
    boxes = tmp_path / 'annotations' / 'train.json'
    boxes.parent.mkdir()
    boxes.write_text(json.dumps(dict(images=[{}] * 3)))
    assert not check_data('scenes', tmp_path).ok
    boxes.write_text(json.dumps(dict(images=[{}] * 4)))
    assert check_data('scenes', tmp_path).ok
    (tmp_path / 'meta.json').write_text(json.dumps(dict(counts=dict(train=2, val=0, test=1))))
    status = {part.name: part.status for part in check_data('scenes', tmp_path).parts}
    assert status['videos/train'] == 'PARTIAL' and status['images/test'] == 'ABSENT'


def test_report_shows_five_names_and_the_advice():
    report = CheckReport('set', 'root')
    report.count('images', 12, 10)
    report.add('images', 'broken', 'repair them', [f'{i}.png' for i in range(9)])
    text = report.text()
    assert 'images: 9 x broken' in text and '... and 4 more' in text and '-> repair them' in text
    assert [f'{i}.png' in text for i in range(9)] == [True] * 5 + [False] * 4
    assert 'TOO MANY' in text and not report.ok


def test_tool(repo, test_data, tmp_path, monkeypatch, capsys):
    tool = repo / 'tools' / 'check_data.py'
    arguments = dict(monkeypatch=monkeypatch, capsys=capsys)
    code, out, _ = run_main(tool, 'camvid', test_data / 'camvid', '--sample', '3', **arguments)
    assert code == 0 and 'camvid: all right' in out
    code, out, _ = run_main(tool, 'ade20k', test_data / 'ade20k', **arguments)
    assert code == 1 and 'PARTIAL' in out
    code, _, err = run_main(tool, 'ade20k', tmp_path / 'nowhere', **arguments)
    assert code == 2 and 'nowhere: no such folder' in err
    code, _, err = run_main(tool, 'ade20k', tmp_path, '--sample', '0', **arguments)
    assert code == 2 and "argument --sample: '0' is not an integer" in err


def test_all_data_sets_have_a_check():
    assert sorted(check.CHECKS) == [
        'ade20k', 'bdd100k', 'bdd100k-det', 'camvid', 'cityscapes', 'scenes', 'videos',
        'walking-tours', 'wt-sem',
    ]  # fmt: skip
