"""Checks and conversions of data sets before a run; the tools are thin wrappers of these."""
