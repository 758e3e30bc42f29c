"""Is a run healthy: statistics, limits, events, and batches that can be run again."""
