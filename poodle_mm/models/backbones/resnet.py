"""mmpretrain's ResNet with torchvision's dilation."""

from mmpretrain.models.backbones import ResNet as MMPretrainResNet
from torch import nn

from poodle_mm.registry import MODELS


@MODELS.register_module()
class ResNet(MMPretrainResNet):
    """mmpretrain's ResNet, dilated so that ordinary weights see what they were trained to see.

    A stage whose stride is given up must not dilate its first 3x3 convolution more than the stage
    before did, and must dilate all others. This is torchvision's ``replace_stride_with_dilation``:
    with ``dilations=(1, 1, 2, 4)`` the 3x3 convolutions of a ResNet-50's last two stages have
    dilations 1, 2, 2, 2, 2, 2 and 2, 4, 4. mmpretrain dilates the first one like the rest, and
    leaves the second convolution of a basic block (ResNet-18, -34) as it is.

    Args:
        contract_dilation: False leaves the dilations to mmpretrain.
        **kwargs: Arguments of ``mmpretrain.ResNet``.
    """

    def __init__(self, *, contract_dilation: bool = True, **kwargs) -> None:
        super().__init__(**kwargs)
        if not contract_dilation:
            return
        before = 1
        for name, dilation in zip(self.res_layers, self.dilations):
            spatial = [
                convolution
                for block in getattr(self, name)
                for convolution in (block.conv1, block.conv2)
                if convolution.kernel_size == (3, 3)
            ]
            _dilate(spatial[0], before)
            for convolution in spatial[1:]:
                _dilate(convolution, dilation)
            before = dilation


def _dilate(convolution: nn.Conv2d, dilation: int) -> None:
    convolution.dilation = convolution.padding = (dilation, dilation)
    # What padding modes other than zeros read in the place of ``padding``.
    convolution._reversed_padding_repeated_twice = [dilation] * 4
