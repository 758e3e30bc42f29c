"""Readouts while a network is training."""
