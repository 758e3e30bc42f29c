"""The gallery of failures: unreadable files as the data sets log them, and the worst pairs."""

import json

import numpy as np
from matplotlib.image import imsave

from poodle_mm.datasets.files import FrameReadError
from poodle_mm.experiments.report.gallery import gallery_of, unreadable_files
from poodle_mm.experiments.report.runs import read_run
from tests.test_experiments.test_report.work_dirs import make_run


def test_unreadable_files_are_read_from_the_log(tmp_path):
    error = FrameReadError('videos/a b.mp4', 'no frame: 7 of 9')
    texts = [
        f'{error}; another sample is taken (file 1 in this process)',
        'data: 2 of 9 files cannot be used, among them\n'
        '  data/c.avi: empty\n  d.mp4: cut off\nskipped',
        'data: something else',
    ]
    expected = {'videos/a b.mp4': 'no frame: 7 of 9', 'data/c.avi': 'empty', 'd.mp4': 'cut off'}
    assert unreadable_files(dict.fromkeys(texts, 1)) == expected
    run = read_run('mine', make_run(tmp_path / 'mine', warnings=texts))
    assert gallery_of(run).unreadable == expected  # through a log, whose entries have lines


def test_pairs_and_pictures(tmp_path):
    folder = make_run(tmp_path / 'mine')
    (folder / 'worst_pairs').mkdir()
    imsave(folder / 'worst_pairs' / 'a.png', np.zeros((8, 8, 3)))
    imsave(tmp_path / 'outside.png', np.zeros((8, 8, 3)))
    pairs = [
        dict(text='9, usual 1', source='a.mp4', frame_ids=[1, 5], iter=7, seed=3, picture=picture)
        for picture in ('worst_pairs/a.png', 'worst_pairs/gone.png', '../outside.png')
    ]
    content = dict(criteria=dict(loss=pairs), unreadable={'x.mp4': 'empty'})
    (folder / 'worst_pairs.json').write_text(json.dumps(content))
    gallery = gallery_of(read_run('mine', folder))
    (found,) = gallery.worst.values()
    assert [pair.data[:10] for pair in found] == ['data:image', '', '']
    assert found[0].facts == ['file: a.mp4', 'frames: [1, 5]', 'iteration: 7', 'seed: 3']
    assert gallery.unreadable == {'x.mp4': 'empty'} and not gallery.note
