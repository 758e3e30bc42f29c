#!/usr/bin/env bash
# Install what is missing and run the tests; arguments go to pytest.
#
#   bash tools/test.sh
#   bash tools/test.sh tests/test_geometry -k warp
#
# Tests on real data look for it at $POODLE_TEST_DATA or ../shared/data and skip without.
set -euo pipefail
root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
bash "$root/tools/setup_env.sh" test
export OMP_NUM_THREADS=${OMP_NUM_THREADS:-1} # tests that spawn workers must not multiply threads
cd "$root"
# The whole suite in as many processes as there are cores; a part of it starts faster in one.
[ $# -gt 0 ] || set -- -n auto --maxprocesses 4 --dist worksteal
exec .venv/bin/python -m pytest "$@"
