import pytest
import torch

from poodle_mm.registry import MODELS
from tests.test_flow.scenery import endpoint_error, read_rgb, translated_pair


@pytest.mark.parametrize(
    ('name', 'limit'), [('ZeroFlow', None), ('TranslationFlow', 0.2), ('FarnebackFlow', 1.5)]
)
@pytest.mark.parametrize('motion', [(6, 0), (-3, 5)])
def test_translation(name, limit, motion, test_data):
    image = read_rgb(min((test_data / 'camvid/images/val').iterdir()))
    a, b = translated_pair(image, motion)
    flow_ab, flow_ba = MODELS.build(dict(type=name))(a, b)
    assert flow_ab.shape == flow_ba.shape == (1, 2, 256, 384)
    truth = torch.tensor(motion, dtype=torch.float32)[:, None, None].expand_as(flow_ab)
    if limit is None:
        assert not flow_ab.any() and not flow_ba.any()
    else:
        assert endpoint_error(flow_ab, truth, 32) < limit
        assert endpoint_error(flow_ba, -truth, 32) < limit


@pytest.mark.parametrize('grey', [0.0, 0.5])
def test_where_nothing_is_seen_nothing_moves(grey):
    blank, noise = torch.full((1, 3, 64, 96), grey), torch.rand(1, 3, 64, 96)
    for pair in ((blank, blank), (blank, noise), (noise, blank)):
        assert not torch.stack(MODELS.build(dict(type='TranslationFlow'))(*pair)).any()
