import argparse
import runpy

import numpy as np
import pytest


def test_benchmark_compares_equal_things(repo):
    measure = runpy.run_path(str(repo / 'tools' / 'benchmark_dense_loss.py'))['measure']
    args = argparse.Namespace(batch=2, channels=8, stride=8, repeats=1, threads=1)
    results = [measure(which, 64, 96, args) for which in ('blocked', 'straightforward')]
    for seconds, memory, *_ in results:
        assert seconds > 0 and memory >= 0
    (*_, value, gradient), (*_, expected, expected_gradient) = results
    assert value == pytest.approx(expected, rel=1e-5)
    np.testing.assert_allclose(gradient, expected_gradient, rtol=1e-3, atol=1e-8)
