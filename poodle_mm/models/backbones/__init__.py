"""Encoders beside mmpretrain's."""
