"""UFlow: unsupervised optical flow."""

from poodle_mm.flow.uflow.estimator import UFlow

__all__ = ['UFlow']
