"""The stages by name; nothing heavy is imported here."""

# Modules of this package; 'all' runs them in this order.
STAGES = (
    'loader',
    'views',
    'loss',
    'flow',
    'memory',
    'step',
    'amp',
    'roofline',
    'scaling',
    'methods',
    'startup',
    'index',
    'remote',
)
ON_CPU_ONLY = ('loader', 'scaling', 'methods', 'startup', 'index', 'remote')
