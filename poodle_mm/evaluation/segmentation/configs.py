"""Fitting a readout's config to a checkpoint and to the machine."""

from mmengine.config import Config, ConfigDict
from mmpretrain.registry import MODELS as BACKBONES

from poodle_mm.checkpoints.encoder_checkpoint import EncoderCheckpoint, is_decoder

_FROZEN = ('frozen_stages', 'norm_eval')
_MAPS = (
    'type',  # of a ResNet: the one that can contract dilation, or mmpretrain's
    'out_indices', 'strides', 'dilations', 'contract_dilation',
    'out_type', 'final_norm', 'drop_path_rate',
)  # fmt: skip
_STRIDES = (1, 2, 2, 2)  # of a ResNet's stages


def set_encoder(cfg: Config, encoder: EncoderCheckpoint) -> None:
    """Put the encoder (and decoder) of a checkpoint into a segmentation config, in place.

    Architecture, weights and what follows from them: channels of the heads (UperNet and DeepLab v3
    have a quarter of a ResNet's last map's, UperNet those of a ViT's tokens) and the depth of
    freezing. The readout decides the rest: frozen or not, the auxiliary head on a ViT and, unless
    the decoder is kept (which has learnt on the encoder's own maps), output maps, dilation and
    stochastic depth; it dilates the last two stages, and the first two keep the encoder's strides.

    Args:
        cfg: One of ``configs/downstream/mmseg``.
        encoder: Result of :func:`~poodle_mm.checkpoints.encoder_checkpoint.read_checkpoint`.
            Without a path the weights stay random.

    Raises:
        ValueError: If the config keeps the decoder and the checkpoint has none, or one is a ViT
            and the other is not.
    """
    model = cfg.model
    kinds = [b['type'].split('.')[-1] for b in (model.backbone, encoder.backbone)]
    if kinds[0] != kinds[1]:
        raise ValueError(f'the config reads out a {kinds[0]}, the checkpoint holds a {kinds[1]}')
    keeps_decoder = is_decoder(model.get('neck'))
    kept = _FROZEN if keeps_decoder else _FROZEN + _MAPS
    readout = {key: model.backbone[key] for key in kept if key in model.backbone}
    if kinds[0] == 'VisionTransformer':
        readout['type'] = encoder.backbone['type']  # ours, if it has registers
    if not keeps_decoder and encoder.first_strides != _STRIDES[:2]:  # a finer one stays finer
        readout['strides'] = (*encoder.first_strides, *readout.get('strides', _STRIDES)[2:])
    bare = {k: v for k, v in encoder.backbone.items() if k not in kept}
    if keeps_decoder:
        bare.setdefault('out_indices', model.backbone.out_indices)
    if kinds[0] == 'VisionTransformer':
        _spread_over_layers(readout, bare)
    weights = encoder.init_cfg()
    model.backbone = ConfigDict(**bare, **readout, **({'init_cfg': weights} if weights else {}))
    if keeps_decoder:
        if encoder.neck is None:
            raise ValueError(
                f'{encoder.path or "a random encoder"} has no spatial decoder: take the config for '
                'encoders without one (linear_r50-d8_*)'
            )
        weights = encoder.init_cfg('neck')
        neck = dict(
            encoder.neck, frozen=model.neck.frozen, **({'init_cfg': weights} if weights else {})
        )
        model.neck = ConfigDict(neck)
    _set_channels(model, _channels(model.backbone))


def take_stage(cfg: Config, encoder: EncoderCheckpoint, stage: int) -> None:
    """Have a config of encoders alone read out one stage of a ResNet as it was trained, in place.

    Args:
        cfg: One of ``configs/downstream/mmseg/linear_r50-d8_*.py``; before :func:`set_encoder`.
        encoder: Whose strides and dilations stay.
        stage: 1 to 4; 4 is the last.
    """
    own = encoder.backbone
    cfg.model.backbone.update(
        out_indices=(stage - 1,),
        strides=own.get('strides', _STRIDES),
        dilations=own.get('dilations', (1, 1, 1, 1)),
        contract_dilation=own.get('contract_dilation', own['type'] == 'poodle_mm.ResNet'),
    )


def set_size(cfg: Config, size: tuple[int, int]) -> None:
    """Read out whole images resized to ``size``; for configs that resize whole images.

    Args:
        size: (H, W) in pixels; predictions are scored at the labels' own size.

    Raises:
        ValueError: If the config trains on random crops.
    """
    loaders = (cfg.train_dataloader, cfg.val_dataloader, cfg.test_dataloader)
    transforms = [
        transform
        for loader in loaders
        for dataset in loader.dataset.get('datasets', [loader.dataset])
        for transform in dataset['pipeline']
    ]
    if any(t['type'].startswith('Random') and t['type'] != 'RandomFlip' for t in transforms):
        raise ValueError(
            'a size can be set for readouts of whole images only (CamVid, scenes); this config '
            'trains on random crops: override its pipeline with --cfg-options instead'
        )
    for transform in transforms:
        if transform['type'] == 'Resize':
            transform['scale'] = tuple(size[::-1])
    cfg.model.data_preprocessor.size = tuple(size)


def _spread_over_layers(readout: dict, bare: dict) -> None:
    """The config's layers of a ViT-S/16 (12 layers) at the same depths of another one."""
    depth = BACKBONES.build(dict(bare, type=readout['type'])).num_layers
    readout['out_indices'] = tuple((i + 1) * depth // 12 - 1 for i in readout['out_indices'])
    if readout.get('frozen_stages', 0) > 0:
        readout['frozen_stages'] = depth


def _channels(backbone: dict) -> list[int]:
    built = BACKBONES.build({k: v for k, v in backbone.items() if k != 'init_cfg'})
    if hasattr(built, 'embed_dims'):
        return [built.embed_dims] * len(backbone['out_indices'])
    return [built.feat_dim // 2 ** (3 - stage) for stage in backbone['out_indices']]


def _set_channels(model: ConfigDict, channels: list[int]) -> None:
    head = model.decode_head
    same = channels[0] == channels[-1]  # a ViT: as wide as its tokens, iBOT's setting
    width = channels[-1] if same else max(8, channels[-1] // 4)
    if head.type == 'UPerHead':
        head.in_channels = channels
        head.channels = width
        model.auxiliary_head.in_channels = channels[model.auxiliary_head.in_index]
        if not same:
            model.auxiliary_head.channels = max(1, width // 2)
    else:
        head.in_channels = channels if head.get('input_transform') else channels[-1]
        if head.type == 'ASPPHead':
            head.channels = width
    if model.get('neck') and model.neck.type == 'Feature2Pyramid':
        model.neck.embed_dim = channels[-1]
