"""Detection labels: against both forms of the same boxes, pycocotools, and by hand."""

import json
from collections import Counter

import numpy as np
import pytest
from PIL import Image

from poodle_mm.catalog import BOX_CLASSES
from poodle_mm.datasets.preparation.det_to_coco import convert_file, convert_frames, counts_table
from poodle_mm.datasets.preparation.scalabel import read_frames


def frame(name='a.jpg', *labels, **kwargs) -> dict:
    return dict(name=name, labels=list(labels), **kwargs)


def label(category='car', box=(10, 20, 30, 50), **attributes) -> dict:
    corners = dict(zip(('x1', 'y1', 'x2', 'y2'), box))
    return dict(id='7', category=category, attributes=attributes, box2d=corners)


def write(tmp_path, content):
    path = tmp_path / 'det.json'
    path.write_text(content if isinstance(content, str) else json.dumps(content))
    return path


def test_cityscapes_boxes_in_both_forms(test_data, tmp_path):
    """The same boxes as det_20 and as COCO, written by somebody else; sizes from the images."""
    folder = test_data / 'cityscapes' / 'derived_detection'
    want = json.loads((folder / 'aachen_0_to_4_coco.json').read_text())
    target = tmp_path / 'coco.json'
    source = folder / 'aachen_0_to_4_bdd_det20.json'
    convert_file(source, target, test_data / 'cityscapes')
    got = json.loads(target.read_text())
    assert got['images'] == want['images']
    assert got['categories'] == want['categories']
    keys = ('id', 'image_id', 'category_id', 'bbox', 'iscrowd')
    assert [[a[k] for k in keys] for a in got['annotations']] == [
        [a[k] for k in keys] for a in want['annotations']
    ]


def test_real_sample_through_pycocotools(test_data, tmp_path):
    coco_api = pytest.importorskip('pycocotools.coco')
    source = test_data / 'bdd100k' / 'det_20_sample' / 'gt_scalabel.json'
    target = tmp_path / 'coco.json'
    coco, counts = convert_file(source, target)
    index = coco_api.COCO(str(target))
    frames = json.loads(source.read_text())
    assert [image['file_name'] for image in coco['images']] == [f['name'] for f in frames]
    want = Counter(lab['category'] for f in frames for lab in f['labels'])
    assert {name: len(index.getAnnIds(catIds=index.getCatIds([name]))) for name in BOX_CLASSES} == {
        name: want[name] for name in BOX_CLASSES
    }
    assert counts.classes == want
    crowds = sum(lab['attributes']['crowd'] for f in frames for lab in f['labels'])
    assert len(index.getAnnIds(iscrowd=1)) == crowds == counts.crowd.total()
    # a hit with itself: pycocotools' overlap of each image's boxes has a diagonal of ones
    mask = pytest.importorskip('pycocotools.mask')
    for image in coco['images'][::50]:
        boxes = np.array([a['bbox'] for a in index.imgToAnns[image['id']]])
        overlap = mask.iou(boxes, boxes, [0] * len(boxes))
        np.testing.assert_allclose(np.diag(overlap), 1)


def test_a_box_by_hand():
    coco, _ = convert_frames([frame('a.jpg', label('rider', (10, 20, 30, 50)))])
    (annotation,) = coco['annotations']
    assert annotation == dict(
        id=1, image_id=1, category_id=2, bbox=[10, 20, 21, 31], area=651, iscrowd=0,
        scalabel_id='7',
    )  # fmt: skip
    assert coco['images'] == [dict(id=1, file_name='a.jpg', height=720, width=1280)]


@pytest.mark.parametrize(
    ('name', 'attributes', 'category', 'crowd'),
    [
        ('person', {}, 'pedestrian', 0),
        ('bike', {}, 'bicycle', 0),
        ('motor', {}, 'motorcycle', 0),
        ('van', {}, 'car', 0),
        ('other vehicle', {}, 'car', 1),
        ('other person', {}, 'pedestrian', 1),
        ('trailer', {}, 'truck', 1),
        ('bus', dict(crowd=True), 'bus', 1),
        ('bus', dict(ignored=True), 'bus', 1),
        ('bus', dict(occluded=True, truncated=True, crowd=False), 'bus', 0),
    ],
)
def test_names_and_crowds_as_in_bdd100ks_tools(name, attributes, category, crowd):
    coco, counts = convert_frames([frame('a.jpg', label(name, **attributes))])
    (annotation,) = coco['annotations']
    assert BOX_CLASSES[annotation['category_id'] - 1] == category
    assert annotation['iscrowd'] == crowd
    assert counts.crowd[category] == crowd
    assert counts.mapped.total() == (name != category)


def test_frames_without_boxes_stay_and_lanes_do_not_count():
    lane = dict(id='1', category='lane/single white', box2d=None, poly2d=[])
    frames = [frame('a.jpg'), dict(name='b.jpg', labels=None), dict(name='c.jpg'), frame('d', lane)]
    coco, counts = convert_frames(frames)
    assert [image['id'] for image in coco['images']] == [1, 2, 3, 4]
    assert coco['annotations'] == [] and counts.without_box == 1 and not counts.problems
    assert '4, 4 of them without boxes' in counts_table(coco, counts)


@pytest.mark.parametrize(
    ('bad', 'message'),
    [
        (label(box=(10, 20, 9, 50)), r'b\.jpg: label 7: box \(10, 20, 9, 50\) is inverted'),
        (label(box=(10, 20, 30, 19)), r'b\.jpg.*inverted'),
        (label(box=(-1, 20, 30, 50)), r'b\.jpg.*leaves the image of 1280x720'),
        (label(box=(10, 20, 1281, 50)), r'b\.jpg.*leaves the image'),
        (label(box=(10, 20, 30, 721)), r'b\.jpg.*leaves the image'),
        (label(box=(10, 20, 30, float('nan'))), r'b\.jpg.*not finite'),
        (label(box=(10, 20, 30)), r'b\.jpg.*needs the numbers x1, y1, x2, y2'),
        (label('tram'), r"b\.jpg: label 7: unknown category 'tram'"),
        (label(crowd='yes'), r"b\.jpg.*attribute crowd is 'yes'"),
    ],
)
def test_what_is_wrong_is_named_and_nothing_is_written(tmp_path, bad, message):
    source = write(tmp_path, [frame('a.jpg', label()), frame('b.jpg', label(), bad)])
    target = tmp_path / 'out' / 'coco.json'
    with pytest.raises(ValueError, match=message):
        convert_file(source, target)
    assert not target.exists()
    coco, counts = convert_file(source, target, skip_invalid=True)
    assert len(coco['annotations']) == 2 and len(counts.problems) == 1
    assert json.loads(target.read_text())['annotations'] == coco['annotations']
    assert 'invalid, left out: 1' in counts_table(coco, counts)
    assert [path.name for path in target.parent.iterdir()] == ['coco.json']


def test_boxes_may_touch_the_edge_as_the_real_ones_do():
    coco, counts = convert_frames([frame('a.jpg', label(box=(0, 0, 1280, 720)))])
    assert not counts.problems and len(coco['annotations']) == 1


def test_sizes_from_frames_and_from_images(tmp_path):
    small = frame('a.jpg', size=dict(width=64, height=48))
    coco, _ = convert_frames([small])
    assert coco['images'][0] == dict(id=1, file_name='a.jpg', height=48, width=64)
    Image.new('RGB', (32, 16)).save(tmp_path / 'a.jpg')
    coco, _ = convert_frames([small], tmp_path)
    assert (coco['images'][0]['height'], coco['images'][0]['width']) == (16, 32)


def test_images_that_are_missing_or_broken(tmp_path):
    Image.new('RGB', (1280, 720)).save(tmp_path / 'a.jpg')
    (tmp_path / 'b.jpg').write_bytes(b'no image')
    source = write(tmp_path, dict(frames=[frame(name) for name in ('a.jpg', 'b.jpg', 'c.jpg')]))
    with pytest.raises(ValueError, match=r'2 problems: b\.jpg: not an image.*c\.jpg: no such'):
        convert_file(source, tmp_path / 'coco.json', tmp_path)
    coco, _ = convert_file(source, tmp_path / 'coco.json', tmp_path, skip_invalid=True)
    assert [image['file_name'] for image in coco['images']] == ['a.jpg']
    with pytest.raises(FileNotFoundError, match='nowhere'):
        convert_file(source, tmp_path / 'coco.json', tmp_path / 'nowhere')


@pytest.mark.parametrize(
    ('content', 'message'),
    [
        ('[{"name": "a.jpg", ', 'not a whole JSON file'),
        (dict(images=[], annotations=[]), 'neither a list of frames'),
        ([dict(labels=[])], 'frame number 0 has no "name"'),
        ([frame('a.jpg'), frame('b.jpg'), frame('a.jpg')], r"1 names stand .*\['a\.jpg'\]"),
        ([dict(name='a.jpg', labels={})], None),
        ([dict(name='a.jpg', labels={'id': 1})], '"labels" of frame a.jpg is no list'),
    ],
)
def test_files_of_another_kind(tmp_path, content, message):
    source = write(tmp_path, content)
    if message is None:
        assert len(read_frames(source)) == 1
        return
    with pytest.raises(ValueError, match=message) as error:
        read_frames(source)
    assert str(source) in str(error.value)


BOX = dict(x1=10.0, y1=20.0, x2=30.0, y2=40.0)


@pytest.mark.parametrize(
    'label',
    [
        dict(category='car', box2d={key: str(value) for key, value in BOX.items()}),
        dict(category='car', box2d=dict(BOX, x1=None)),
        dict(category='car', box2d=dict(BOX, x1=True)),
        dict(category='car', box2d=list(BOX.values())),
        dict(category='car', box2d='10 20 30 40'),
        dict(category=['car'], box2d=BOX),
        dict(category=None, box2d=BOX),
        dict(category='car', box2d=BOX, attributes=[1]),
        dict(category='car', box2d=BOX, attributes='crowd'),
        dict(category='car', box2d=BOX, attributes=dict(crowd='yes')),
        None,
        [1, 2],
        'car',
    ],
)
def test_other_types_are_named_by_frame(label, tmp_path):
    frames = [dict(name='a.jpg', labels=[label]), dict(name='b.jpg', labels=[])]
    source, target = tmp_path / 'a.json', tmp_path / 'b.json'
    source.write_text(json.dumps(frames))
    with pytest.raises(ValueError, match=r'1 problems: a\.jpg: label 0'):
        convert_file(source, target)
    assert not target.exists()
    coco, counts = convert_file(source, target, skip_invalid=True)
    assert len(coco['images']) == 2 and not coco['annotations'] and len(counts.problems) == 1


def test_the_layout_of_2018_is_named(tmp_path):
    objects = [dict(category='car', box2d=BOX)]
    path = tmp_path / 'a.json'
    path.write_text(json.dumps([dict(name='a.jpg', frames=[dict(timestamp=1, objects=objects)])]))
    with pytest.raises(ValueError, match=r'a\.jpg has its boxes in .* the layout of 2018'):
        convert_file(path, tmp_path / 'b.json')
