"""Encoders for ``torch.hub``.

    encoder = torch.hub.load(DIR, 'poodle_resnet50', checkpoint='epoch_100.pth', source='local')

``DIR`` is this folder: the checkout, or ``.mim`` of the installed package. The encoders are those
of ``poodle_mm.apis``: normalised images in, one dense map out, in eval mode, without gradients
(``encoder.requires_grad_().train()`` to train them further).
"""

dependencies = ['torch', 'torchvision', 'mmengine', 'mmcv', 'mmpretrain']


def poodle_resnet50(checkpoint=None, weights='online', device='cpu'):
    """ResNet-50 at stride 32, without the spatial decoder.

    Args:
        checkpoint: File that :func:`poodle_mm.apis.load_encoder` reads; None for random weights.
        weights: ``'online'``, or ``'ema'`` for the target network.
        device: Device of the encoder.

    Raises:
        ValueError: If the file holds another encoder.
    """
    return _encoder(checkpoint, False, weights, device)


def poodle_resnet50_sdm(checkpoint=None, weights='online', device='cpu'):
    """ResNet-50 with its spatial decoder, at stride 8; the rest as in :func:`poodle_resnet50`."""
    return _encoder(checkpoint, True, weights, device)


def _encoder(checkpoint, with_sdm, weights, device):
    # Here, so that torch.hub can say first which of the dependencies is missing.
    from poodle_mm import apis

    if checkpoint is None:
        return apis.random_encoder('poodle_r50_bdd.py', with_sdm, device)
    encoder = apis.load_encoder(checkpoint, with_sdm, weights, device)
    depth = getattr(encoder.backbone, 'depth', None)
    if depth != 50:
        raise ValueError(
            f'{checkpoint} holds no ResNet-50; poodle_mm.apis.load_encoder loads any encoder'
        )
    return encoder
