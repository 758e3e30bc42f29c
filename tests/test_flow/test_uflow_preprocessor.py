"""What the training of flow sees of a batch."""

import pytest
import torch

from poodle_mm.datasets.frame_pair_sample import FramePairSample
from poodle_mm.flow import FlowPairPreprocessor


def batch(size=(32, 64), flow: bool = True, count: int = 4) -> dict:
    generator = torch.Generator().manual_seed(0)
    inputs = torch.randint(256, (count, 2, 3, *size), generator=generator, dtype=torch.uint8)
    samples = []
    for seed in range(count):
        sample = FramePairSample()
        sample.set_metainfo(dict(seed=seed, source='a.mp4'))
        if flow:
            sample.flow = torch.randn(2, 2, *size, generator=generator)
        samples.append(sample)
    return dict(inputs=inputs, data_samples=samples)


def test_without_training_everything_stays():
    data = batch()
    views = FlowPairPreprocessor(flip_prob=1.0)(data)['inputs']
    expected = data['inputs'].transpose(0, 1).float() / 255
    assert torch.equal(views['frames'], expected) and torch.equal(views['augmented'], expected)
    assert torch.equal(views['flow'][:, 2], data['data_samples'][2].flow)


def test_channels_change_places_alike_in_both_frames():
    data = batch(count=32, flow=False)
    views = FlowPairPreprocessor(hue=None)(data, training=True)['inputs']
    assert 'flow' not in views
    orders = set()
    for i in range(32):
        frames, augmented = views['frames'][:, i], views['augmented'][:, i]
        found = [
            order
            for order in ((0, 1, 2), (0, 2, 1), (1, 0, 2), (1, 2, 0), (2, 0, 1), (2, 1, 0))
            if torch.equal(frames[:, list(order)], augmented)
        ]
        orders |= {*found}
        assert len(found) == 1
    assert len(orders) == 6


def test_hue_turns_colours_and_leaves_greys():
    data = batch(count=8)
    data['inputs'][:, :, :, :, :32] = 77
    views = FlowPairPreprocessor(channel_swap=False)(data, training=True)['inputs']
    frames, augmented = views['frames'], views['augmented']
    torch.testing.assert_close(augmented[..., :32], frames[..., :32])
    for i in range(8):
        assert (augmented[:, i] - frames[:, i])[..., 32:].abs().mean() > 0.01
    # the brightest and the darkest channel stay as bright and as dark
    torch.testing.assert_close(augmented.amax(2), frames.amax(2))
    torch.testing.assert_close(augmented.amin(2), frames.amin(2))


def test_mirrored_pairs_move_the_other_way():
    data = batch()
    plain = FlowPairPreprocessor(flip_prob=0.0)(data, training=True)['inputs']
    mirrored = FlowPairPreprocessor(flip_prob=1.0)(data, training=True)['inputs']
    for key in ('frames', 'augmented'):
        torch.testing.assert_close(mirrored[key].flip(-1), plain[key])
    torch.testing.assert_close(mirrored['flow'][:, :, 0].flip(-1), -plain['flow'][:, :, 0])
    torch.testing.assert_close(mirrored['flow'][:, :, 1].flip(-1), plain['flow'][:, :, 1])


def test_gain_is_drawn_for_each_frame():
    data = batch(count=8)
    data['inputs'] //= 2
    preprocess = FlowPairPreprocessor(channel_swap=False, hue=None, gain=0.5)
    views = preprocess(data, training=True)['inputs']
    gains = views['augmented'].mean((2, 3, 4)) / views['frames'].mean((2, 3, 4))
    assert gains.min() >= 0.5 and gains.max() <= 1.5 and gains.std() > 0.1
    assert ((gains[0] - gains[1]).abs() > 1e-3).all()


def test_a_pair_does_not_depend_on_its_neighbours():
    preprocess = FlowPairPreprocessor(gain=0.2, flip_prob=0.5)
    data = batch()
    together = preprocess(data, training=True)['inputs']
    one = dict(inputs=data['inputs'][2:3], data_samples=data['data_samples'][2:3])
    alone = preprocess(one, training=True)['inputs']
    for key, value in alone.items():
        assert torch.equal(value[:, 0], together[key][:, 2]), key


def test_wrong_input():
    data = batch()
    with pytest.raises(ValueError, match=r'30 x 64 pixels.*PairRandomCrop'):
        FlowPairPreprocessor()(dict(data, inputs=data['inputs'][..., :30, :]))
    with pytest.raises(ValueError, match='inputs must be uint8'):
        FlowPairPreprocessor()(dict(data, inputs=data['inputs'].float()))
    del data['data_samples'][1].flow
    with pytest.raises(ValueError, match='3 of 4 samples have flow'):
        FlowPairPreprocessor()(data)


@pytest.mark.parametrize('options', [dict(hue=(0.0, 0.6)), dict(gain=2.0), dict(flip_prob=-0.1)])
def test_values_out_of_range(options):
    with pytest.raises(ValueError, match=f'{next(iter(options))} must lie in'):
        FlowPairPreprocessor(**options)
