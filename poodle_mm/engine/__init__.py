"""Training around the model: MMEngine's Runner with our hooks, resuming, several processes."""

from poodle_mm.engine.autocast_optim_wrapper import BFloat16OptimWrapper
from poodle_mm.engine.hooks.checkpoint_hook import AtomicCheckpointHook
from poodle_mm.engine.hooks.freeze_hook import FreezeHook
from poodle_mm.engine.hooks.health_hook import CollapseMonitorHook, HealthHook
from poodle_mm.engine.hooks.pair_visualization_hook import PairVisualizationHook
from poodle_mm.engine.hooks.projection_spread_hook import ProjectionSpreadHook
from poodle_mm.engine.hooks.run_stats_hook import RunStatsHook
from poodle_mm.engine.hooks.target_update_hook import TargetUpdateHook
from poodle_mm.engine.hooks.token_norm_hook import TokenNormHook
from poodle_mm.engine.hooks.training_plan_hook import TrainingPlanHook
from poodle_mm.engine.hooks.worst_pairs_hook import WorstPairsHook
from poodle_mm.engine.loggers import ClearMLBackend, MLflowBackend
from poodle_mm.engine.weight_decay import LARSConstructor, MatrixDecayConstructor

__all__ = [
    'AtomicCheckpointHook',
    'BFloat16OptimWrapper',
    'ClearMLBackend',
    'CollapseMonitorHook',
    'FreezeHook',
    'HealthHook',
    'LARSConstructor',
    'MLflowBackend',
    'MatrixDecayConstructor',
    'PairVisualizationHook',
    'ProjectionSpreadHook',
    'RunStatsHook',
    'TargetUpdateHook',
    'TokenNormHook',
    'TrainingPlanHook',
    'WorstPairsHook',
]
