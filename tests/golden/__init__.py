"""Losses of ten iterations of each small config, as they were when last recorded."""
