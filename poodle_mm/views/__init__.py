"""Views of a frame pair: photometric distortion, affine dense views, flow-informed subcrops."""

from poodle_mm.views.preprocessor import FramePairPreprocessor

__all__ = ['FramePairPreprocessor']
