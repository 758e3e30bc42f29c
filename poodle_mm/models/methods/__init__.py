"""Pretraining methods, one a file."""

from poodle_mm.models.methods.poodle import PooDLe

__all__ = ['PooDLe']
