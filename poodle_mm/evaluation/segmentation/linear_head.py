"""One 1x1 convolution that classifies features."""

from collections.abc import Sequence

from mmseg.models.decode_heads import FCNHead
from mmseg.models.utils import resize
from mmseg.registry import MODELS
from mmseg.utils import SampleList
from torch import Tensor


@MODELS.register_module()
class LinearHead(FCNHead):
    """``FCNHead`` without hidden layers (DeepLab v1), for a single ``loss_decode``.

    The loss is that of ``FCNHead``; the accuracy of the training batch is left out: where
    features are looked up it would cost a third of an iteration, and nobody reads it.

    Args:
        in_channels: Channels of the features; with ``input_transform='resize_concat'`` of each map.
        label_stride: The loss looks at every n-th pixel of the training labels, both ways:
            neighbouring pixels of a bilinear prediction say nearly the same. 1 looks at all.
        **kwargs: As in ``FCNHead``.
    """

    def __init__(self, in_channels: int | Sequence[int], label_stride: int = 1, **kwargs) -> None:
        super().__init__(
            num_convs=0,
            kernel_size=1,
            concat_input=False,
            dropout_ratio=0,
            in_channels=in_channels,
            channels=in_channels if isinstance(in_channels, int) else sum(in_channels),
            **kwargs,
        )
        self.label_stride = label_stride

    def loss_by_feat(self, seg_logits: Tensor, batch_data_samples: SampleList) -> dict:
        """Loss of logits (N, classes, h, w) that are resized to the (thinned out) labels."""
        labels = self._stack_batch_gt(batch_data_samples).squeeze(1)
        middle = slice(self.label_stride // 2, None, self.label_stride)
        labels = labels[:, middle, middle]
        logits = resize(seg_logits, size=labels.shape[1:], mode='bilinear')
        loss = self.loss_decode(logits, labels, ignore_index=self.ignore_index)
        return {self.loss_decode.loss_name: loss}
