"""Encoders beside mmpretrain's."""

from poodle_mm.models.backbones.resnet import ResNet

__all__ = ['ResNet']
