"""The dense and the pooled objective."""

from poodle_mm.models.heads.dense_head import DenseFlowHead
from poodle_mm.models.heads.pooled_head import PooledHead

__all__ = ['DenseFlowHead', 'PooledHead']
