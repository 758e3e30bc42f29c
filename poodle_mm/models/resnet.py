"""mmpretrain's ResNet with torchvision's dilation."""

from mmpretrain.models.backbones import ResNet as MMPretrainResNet

from poodle_mm.registry import MODELS


@MODELS.register_module()
class ResNet(MMPretrainResNet):
    """mmpretrain's ResNet whose dilated stages begin with the dilation of the stage before.

    A stage whose stride is given up must not dilate its first 3x3 convolution more than the stage
    before did: ordinary weights, trained with the stride, otherwise see other neighbours. This is
    torchvision's ``replace_stride_with_dilation`` and MMSegmentation's ``contract_dilation``, which
    mmpretrain lacks: with ``dilations=(1, 1, 2, 4)`` the 3x3 convolutions of a ResNet-50's last two
    stages have dilations 1, 2, 2, 2, 2, 2 and 2, 4, 4.

    Args:
        contract_dilation: False: as mmpretrain does, all blocks of a stage alike.
        **kwargs: Those of ``mmpretrain.ResNet``.
    """

    def __init__(self, *, contract_dilation: bool = True, **kwargs) -> None:
        super().__init__(**kwargs)
        if not contract_dilation:
            return
        for name, before in zip(self.res_layers[1:], self.dilations):
            block = getattr(self, name)[0]
            convolution = block.conv2 if hasattr(block, 'conv3') else block.conv1
            convolution.dilation = convolution.padding = (before, before)
