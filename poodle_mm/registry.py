"""Child registries of MMEngine's roots, scope ``poodle_mm``.

``default_scope = 'poodle_mm'`` is all that a config needs: each registry names the module that
registers its classes, and MMEngine imports that module at the first look-up. Nothing heavy is
imported here.
"""

import mmengine.registry as roots
from mmengine.registry import DATA_SAMPLERS as MMENGINE_DATA_SAMPLERS
from mmengine.registry import DATASETS as MMENGINE_DATASETS
from mmengine.registry import FUNCTIONS as MMENGINE_FUNCTIONS
from mmengine.registry import HOOKS as MMENGINE_HOOKS
from mmengine.registry import MODELS as MMENGINE_MODELS
from mmengine.registry import OPTIM_WRAPPER_CONSTRUCTORS as MMENGINE_CONSTRUCTORS
from mmengine.registry import OPTIM_WRAPPERS as MMENGINE_OPTIM_WRAPPERS
from mmengine.registry import OPTIMIZERS as MMENGINE_OPTIMIZERS
from mmengine.registry import TRANSFORMS as MMENGINE_TRANSFORMS
from mmengine.registry import Registry

_SCOPE = 'poodle_mm'

MODELS = Registry(
    'model',
    parent=MMENGINE_MODELS,
    scope=_SCOPE,
    locations=['poodle_mm.models', 'poodle_mm.flow', 'poodle_mm.views'],
)
DATASETS = Registry(
    'dataset', parent=MMENGINE_DATASETS, scope=_SCOPE, locations=['poodle_mm.datasets']
)
TRANSFORMS = Registry(
    'transform',
    parent=MMENGINE_TRANSFORMS,
    scope=_SCOPE,
    locations=['poodle_mm.datasets', 'poodle_scenes.load_flow'],
)
DATA_SAMPLERS = Registry(
    'data sampler', parent=MMENGINE_DATA_SAMPLERS, scope=_SCOPE, locations=['poodle_mm.datasets']
)
FUNCTIONS = Registry(
    'function', parent=MMENGINE_FUNCTIONS, scope=_SCOPE, locations=['poodle_mm.datasets']
)
HOOKS = Registry(
    'hook',
    parent=MMENGINE_HOOKS,
    scope=_SCOPE,
    locations=['poodle_mm.engine', 'poodle_mm.evaluation.probe.hook'],
)
OPTIM_WRAPPERS = Registry(
    'optim_wrapper',
    parent=MMENGINE_OPTIM_WRAPPERS,
    scope=_SCOPE,
    locations=['poodle_mm.engine'],
)

OPTIM_WRAPPER_CONSTRUCTORS = Registry(
    'optimizer wrapper constructor',
    parent=MMENGINE_CONSTRUCTORS,
    scope=_SCOPE,
    locations=['poodle_mm.engine'],
)
OPTIMIZERS = Registry('optimizer', parent=MMENGINE_OPTIMIZERS, scope=_SCOPE)

# Nothing of ours, but MMEngine warns about each kind that a scope lacks.
for _name in (
    'EVALUATOR',
    'LOG_PROCESSORS',
    'LOOPS',
    'METRICS',
    'MODEL_WRAPPERS',
    'PARAM_SCHEDULERS',
    'RUNNERS',
    'RUNNER_CONSTRUCTORS',
    'STRATEGIES',
    'VISBACKENDS',
    'VISUALIZERS',
    'WEIGHT_INITIALIZERS',
):
    _root = getattr(roots, _name)
    Registry(_root.name, parent=_root, scope=_SCOPE)
