"""How fast each stage is, beside its lower bound and beside the usual ways to do it.

``python tools/benchmark.py STAGE...`` runs the modules that :data:`benchmarks.stages.STAGES` names
and writes their tables as Markdown and JSON. The package is part of the checkout, not of the wheel.
"""
