"""Readouts of checkpoints, their metrics, and the paper's tables."""
