"""Items of several pairs need a collate function that knows them."""

import pytest

from poodle_mm.engine.train import build_runner
from tests.test_engine.toy_pairs import toy_config


@pytest.mark.parametrize('collate', [dict(collate_fn=dict(type='default_collate')), {}])
def test_mmengines_functions_do_not(tmp_path, collate):
    loader = toy_config(tmp_path).train_dataloader.to_dict()
    loader.pop('collate_fn')
    loader['dataset']['repeats'] = 2
    cfg = toy_config(tmp_path, train_dataloader=loader | collate)
    with pytest.raises(ValueError, match=r'repeats=2.*collate.*poodle_mm\.frame_clip_collate'):
        build_runner(cfg)
