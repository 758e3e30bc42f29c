"""Initial weights from a checkpoint, or an error: never a silent mismatch."""

from torch import nn

from poodle_mm.checkpoints import load_file, state_dict_of


def check_pretrained(backbone: nn.Module, name: str = 'backbone') -> None:
    """Make sure that ``init_cfg=dict(type='Pretrained', ...)`` filled every key of an encoder.

    MMEngine logs missing and mismatched keys and goes on; an encoder that is half random would
    only show in the results.

    Args:
        backbone: The encoder after ``init_weights``; without a pretrained ``init_cfg`` it passes.
        name: Its key in the config, for the message.

    Raises:
        ValueError: Naming the checkpoint and the keys that it lacks or has in another shape.
    """
    cfg = getattr(backbone, 'init_cfg', None)
    if not isinstance(cfg, dict) or cfg.get('type') != 'Pretrained':
        return
    checkpoint, prefix = cfg['checkpoint'], cfg.get('prefix')
    prefix = f'{prefix.removesuffix(".")}.' if prefix else ''
    state = {
        key.removeprefix(prefix): value
        for key, value in state_dict_of(load_file(checkpoint), checkpoint).items()
        if key.startswith(prefix)
    }
    wrong = [
        f'{key} ({"missing" if key not in state else tuple(state[key].shape)}, needs '
        f'{tuple(value.shape)})'
        for key, value in backbone.state_dict().items()
        if not key.endswith('num_batches_tracked')
        and (key not in state or state[key].shape != value.shape)
    ]
    if wrong:
        more = f' and {len(wrong) - 5} more' if len(wrong) > 5 else ''
        raise ValueError(
            f'model.{name}.init_cfg: {checkpoint} does not fit this encoder: '
            f'{", ".join(wrong[:5])}{more}. Check the depth, or set init_cfg.prefix (our '
            "checkpoints keep the encoder under 'backbone.')"
        )
