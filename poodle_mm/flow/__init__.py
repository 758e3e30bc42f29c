"""Optical flow estimators: ``estimator(a, b, samples) -> (flow_ab, flow_ba)``."""

from poodle_mm.flow.base import FlowEstimator
from poodle_mm.flow.baselines import FarnebackFlow, TranslationFlow, ZeroFlow
from poodle_mm.flow.cached import CachedFlow
from poodle_mm.flow.dis import DISFlow
from poodle_mm.flow.raft import RAFTFlow
from poodle_mm.flow.uflow.estimator import UFlow
from poodle_mm.flow.uflow.preprocessor import FlowPairPreprocessor
from poodle_mm.flow.uflow.training import UFlowTraining

__all__ = [
    'CachedFlow',
    'DISFlow',
    'FarnebackFlow',
    'FlowEstimator',
    'FlowPairPreprocessor',
    'RAFTFlow',
    'TranslationFlow',
    'UFlow',
    'UFlowTraining',
    'ZeroFlow',
]
