"""A checkpoint's encoder in a detector: the config, and the last stage as the head of C4."""

from mmdet.registry import MODELS
from mmengine.config import Config, ConfigDict
from mmpretrain.models.backbones.resnet import ResNet, get_expansion
from torch import Tensor

from poodle_mm.checkpoints.encoder_checkpoint import EncoderCheckpoint

# Decided by the detector: a C4 encoder ends after its third stage, and no stage is dilated. But an
# encoder that learned with a second stage as fine as its first keeps it so.
_DETECTORS = (
    'type', 'num_stages', 'strides', 'dilations', 'contract_dilation', 'out_indices',
    'frozen_stages', 'norm_eval',
)  # fmt: skip


def set_encoder(cfg: Config, encoder: EncoderCheckpoint) -> None:
    """Put a checkpoint's encoder into a detection config, in place.

    Architecture, weights and the channels that follow from them: of FPN, or of C4's heads, whose
    shared head is the encoder's last stage. A decoder in the checkpoint is not used. Dilated stages
    run at the detector's strides, where their kernels meet the pixels they learned on. An encoder
    with two stages of stride 4 (``strides=(1, 1, 2, 2)``) keeps them: FPN then begins at the second
    and pools its fourth level; C4's map has stride 8.

    Args:
        cfg: One of ``configs/downstream/mmdet``.
        encoder: Result of :func:`~poodle_mm.checkpoints.encoder_checkpoint.read_checkpoint`.
            Without a path the weights stay random.

    Raises:
        ValueError: If the encoder is no ResNet.
    """
    if encoder.backbone['type'].split('.')[-1] != 'ResNet':
        raise ValueError(
            f'{encoder.path} holds a {encoder.backbone["type"]}: detection needs a ResNet, '
            'whose stages have strides 4 to 32'
        )
    model = cfg.model
    bare = {k: v for k, v in encoder.backbone.items() if k not in _DETECTORS}
    block, _ = ResNet.arch_settings[bare['depth']]
    expansion = get_expansion(block, bare.get('expansion'))
    width = 8 * bare.get('base_channels', 64) * expansion  # of the last stage
    if encoder.path is not None:
        bare['init_cfg'] = encoder.init_cfg()
    detectors = {key: model.backbone[key] for key in _DETECTORS if key in model.backbone}
    finer = encoder.first_strides == (1, 1)
    if finer:
        detectors['strides'] = (1, 1, 2, 2)[: detectors.get('num_stages', 4)]
    model.backbone = ConfigDict(**bare, **detectors)
    if 'neck' in model:
        model.neck.in_channels = [width // 2 ** (3 - k) for k in model.backbone.out_indices]
        if finer:
            model.neck.start_level = 1
        return
    model.rpn_head.in_channels = width // 2
    head = model.roi_head
    if finer:
        anchors = model.rpn_head.anchor_generator
        anchors.update(strides=[8], scales=[2 * scale for scale in anchors.scales])  # of one size
        head.bbox_roi_extractor.featmap_strides = [8]
    head.bbox_roi_extractor.out_channels = width // 2
    head.bbox_head.in_channels = width
    shared = dict(bare, type=head.shared_head.type, frozen=head.shared_head.frozen)
    head.shared_head = ConfigDict(shared)


@MODELS.register_module()
class ResNetLastStage(ResNet):
    """``layer4`` of mmpretrain's ResNet, without what comes before it.

    MMDetection's own ``ResLayer`` has a fixed width and does not take an encoder's config.

    Args:
        frozen: No gradient, and batch norm with the statistics of the checkpoint.
        **kwargs: Arguments of the encoder.
    """

    def __init__(self, frozen: bool = True, **kwargs) -> None:
        self._frozen = False
        super().__init__(norm_eval=frozen, **kwargs)
        for name, _ in list(self.named_children()):
            if name != 'layer4':
                delattr(self, name)
        self._frozen = frozen
        self._freeze_stages()

    def forward(self, x: Tensor) -> Tensor:
        """Regions (N, C, h, w) of the third stage's map to (N, 2C, h/2, w/2)."""
        return self.layer4(x)

    def _freeze_stages(self) -> None:
        if self._frozen:
            self.layer4.requires_grad_(False)
            self.layer4.eval()
