"""Measure each stage against its lower bound and its baselines; writes Markdown and JSON.

python tools/benchmark.py all                  # about half an hour on two cores
python tools/benchmark.py loss step --device cuda
"""

import argparse
import sys
from pathlib import Path

from poodle_mm.utils.arguments import positive

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))  # benchmarks/ is not installed


def parse_args() -> argparse.Namespace:
    """Command line."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    # Here, so that bad arguments do not wait for the imports of a stage.
    from benchmarks.stages import ON_CPU_ONLY, STAGES

    parser.add_argument('stages', nargs='+', choices=[*STAGES, 'all'], metavar='STAGE')
    parser.add_argument('--device', choices=['cpu', 'cuda'], default='cpu')
    parser.add_argument(
        '--repeats', type=positive, default=5, help='runs of which the median is taken'
    )
    parser.add_argument('--threads', type=positive, help="torch's threads (default: all cores)")
    parser.add_argument('--quick', action='store_true', help='tiny shapes: only to see it run')
    parser.add_argument('--video', type=Path, help='video for the loader (default: one is made)')
    parser.add_argument(
        '--tf32',
        action='store_true',
        help='allow TF32 where the work is float32, as allow_tf32=True does in a config',
    )
    parser.add_argument('--out', type=Path, default=Path('work_dirs/benchmark'))
    args = parser.parse_args()
    if args.video and not args.video.is_file():
        parser.error(f'--video {args.video}: no such file')
    if 'all' in args.stages:
        args.stages = [s for s in STAGES if args.device == 'cpu' or s not in ON_CPU_ONLY]
    elif args.device == 'cuda' and (wrong := set(args.stages) & set(ON_CPU_ONLY)):
        parser.error(f'{", ".join(sorted(wrong))}: measured on the CPU only')
    return args


def main() -> None:
    """Run the stages."""
    args = parse_args()
    from benchmarks.run import run_stages

    run_stages(args, ROOT / 'configs', sys.argv[1:])


if __name__ == '__main__':
    main()
