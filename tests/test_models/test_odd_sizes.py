"""The decoder on images whose size is no multiple of the encoder's stride."""

import torch

from poodle_mm.models import SpatialDecoderModule


def test_decoder_crops_what_the_coarse_map_covers_too_much():
    """Left and top of the output do not depend on how far the image reaches beyond."""
    torch.manual_seed(0)
    decoder = SpatialDecoderModule([8, 16, 32]).eval()
    shapes = [(45, 60), (23, 30), (12, 15)]  # 360x480
    maps = [torch.randn(1, c, *s) for c, s in zip((8, 16, 32), shapes)]
    (out,) = decoder(maps)
    assert out.shape == (1, 32, 45, 60)
    padded = [
        torch.nn.functional.pad(m, (0, 0, 0, -(-48 // s) - m.shape[2]))
        for m, s in zip(maps, (1, 2, 4))
    ]
    (whole,) = decoder(padded)
    assert whole.shape[2] == 48
    # 12 rows from the cut the receptive field of interpolation and 3x3 convolutions has ended
    torch.testing.assert_close(out[:, :, :33], whole[:, :, :33])
