"""Decoders of dense maps."""
