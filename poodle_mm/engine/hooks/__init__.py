"""Hooks of MMEngine's Runner."""

from poodle_mm.engine.hooks.checkpoint_hook import AtomicCheckpointHook
from poodle_mm.engine.hooks.collapse_monitor_hook import CollapseMonitorHook
from poodle_mm.engine.hooks.pair_visualization_hook import PairVisualizationHook
from poodle_mm.engine.hooks.run_stats_hook import RunStatsHook
from poodle_mm.engine.hooks.target_update_hook import TargetUpdateHook

__all__ = [
    'AtomicCheckpointHook',
    'CollapseMonitorHook',
    'PairVisualizationHook',
    'RunStatsHook',
    'TargetUpdateHook',
]
