"""Pretraining methods, one a file."""
