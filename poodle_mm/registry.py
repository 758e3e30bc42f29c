"""Child registries of MMEngine's roots, scope ``poodle_mm``.

``default_scope = 'poodle_mm'`` is all that a config needs: each registry names the modules that
register its classes, and MMEngine imports them at the first look-up. Nothing heavy is imported
here.
"""

from importlib import import_module

import mmengine.registry as roots
from mmengine.registry import Registry


def _child(root: str, *locations: str) -> Registry:
    parent = getattr(roots, root)
    return Registry(parent.name, parent=parent, scope='poodle_mm', locations=list(locations))


MODELS = _child('MODELS', 'poodle_mm.models', 'poodle_mm.flow', 'poodle_mm.views')
DATASETS = _child('DATASETS', 'poodle_mm.datasets')
TRANSFORMS = _child('TRANSFORMS', 'poodle_mm.datasets', 'poodle_scenes.load_flow')
DATA_SAMPLERS = _child('DATA_SAMPLERS', 'poodle_mm.datasets')
FUNCTIONS = _child('FUNCTIONS', 'poodle_mm.datasets')
HOOKS = _child(
    'HOOKS', 'poodle_mm.engine', 'poodle_mm.evaluation.probe.hook', 'poodle_mm.evaluation.hooks'
)
OPTIM_WRAPPERS = _child('OPTIM_WRAPPERS', 'poodle_mm.engine')
OPTIM_WRAPPER_CONSTRUCTORS = _child('OPTIM_WRAPPER_CONSTRUCTORS', 'poodle_mm.engine')
OPTIMIZERS = _child('OPTIMIZERS')
VISBACKENDS = _child('VISBACKENDS', 'poodle_mm.engine')

# Nothing of ours, but MMEngine warns about each kind that a scope lacks.
for _root in (
    'EVALUATOR', 'LOG_PROCESSORS', 'LOOPS', 'METRICS', 'MODEL_WRAPPERS', 'PARAM_SCHEDULERS',
    'RUNNERS', 'RUNNER_CONSTRUCTORS', 'STRATEGIES', 'VISUALIZERS', 'WEIGHT_INITIALIZERS',
):  # fmt: skip
    _child(_root)


def register_all_modules() -> None:
    """Import everything that registers a class of the pretraining.

    MMEngine would do so at the first look-up, but it swallows import errors and then says "not in
    the registry" instead of the cause.

    Raises:
        ImportError: If a module of this package does not import.
    """
    for room in ('datasets', 'flow', 'views', 'models', 'engine'):
        import_module(f'poodle_mm.{room}')
