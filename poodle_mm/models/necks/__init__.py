"""The spatial decoder module."""

from poodle_mm.models.necks.spatial_decoder import SpatialDecoderModule

__all__ = ['SpatialDecoderModule']
