"""Time and memory of the dense loss against the straightforward version, which upsamples both maps.

The straightforward version is the oracle of the tests. Each measurement runs in a process of its
own, because the peak of a process never falls.
"""

import argparse
import multiprocessing
import resource
import runpy
import time
from pathlib import Path

import torch
import torch.nn.functional as F

from poodle_mm.geometry.affine import affine_matrix
from poodle_mm.geometry.equivariance import flow_equivariance_loss

ORACLES = Path(__file__).resolve().parents[1] / 'tests' / 'test_geometry' / 'oracles.py'


def make_case(height: int, width: int, args: argparse.Namespace) -> dict:
    """Random maps, views of +-10 degrees and scale 0.9-1.1, smooth flow of about 12 pixels."""
    torch.manual_seed(0)
    batch, size = args.batch, (height, width)
    cells = (height // args.stride, width // args.stride)

    def random_affine():
        angle = torch.empty(batch).uniform_(-0.1745, 0.1745)
        return affine_matrix(angle, torch.empty(batch).uniform_(0.9, 1.1), size)

    return dict(
        online=torch.randn(batch, args.channels, *cells, requires_grad=True),
        target=torch.randn(batch, args.channels, *cells),
        affine_online=random_affine(),
        affine_target=random_affine(),
        flow=F.interpolate(12 * torch.randn(batch, 2, 5, 9), size, mode='bilinear'),
        visible=torch.rand(batch, *size) < 0.9,
        stride=args.stride,
    )


def peak_mib() -> float:
    """Largest resident size of this process so far (Linux counts in KiB)."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def measure(which: str, height: int, width: int, args: argparse.Namespace) -> tuple:
    """Best time of forward + backward (s), peak memory beyond the inputs (MiB), value, gradient."""
    torch.set_num_threads(args.threads)
    straightforward = runpy.run_path(str(ORACLES))['straightforward_loss']
    loss_of = {
        'blocked': lambda case: flow_equivariance_loss(**case).loss,
        'straightforward': lambda case: straightforward(**case),
    }[which]
    loss_of(make_case(32, 64, args)).backward()  # loads the libraries
    case = make_case(height, width, args)
    before, seconds = peak_mib(), []
    for _ in range(args.repeats):
        case['online'].grad = None
        start = time.perf_counter()
        loss = loss_of(case)
        loss.backward()
        seconds.append(time.perf_counter() - start)
    return min(seconds), peak_mib() - before, loss.item(), case['online'].grad.numpy()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument('--sizes', nargs='+', default=['128x256', '256x512', '512x1024'])
    parser.add_argument('--batch', type=int, default=1)
    parser.add_argument('--channels', type=int, default=256)
    parser.add_argument('--stride', type=int, default=8)
    parser.add_argument('--repeats', type=int, default=3, help='the best one counts')
    parser.add_argument('--threads', type=int, default=torch.get_num_threads())
    args = parser.parse_args()

    print(f'{"HxW":>10} {"version":>16} {"ms":>9} {"extra MiB":>10}   (forward + backward)')
    for size in args.sizes:
        height, width = (int(x) for x in size.split('x'))
        results = {}
        for which in ('straightforward', 'blocked'):
            with multiprocessing.get_context('spawn').Pool(1) as pool:
                results[which] = pool.apply(measure, (which, height, width, args))
            seconds, memory = results[which][:2]
            print(f'{size:>10} {which:>16} {seconds * 1e3:9.1f} {memory:10.1f}', flush=True)
        (time_a, memory_a, value_a, grad_a), (time_b, memory_b, value_b, grad_b) = results.values()
        error = ((grad_b - grad_a) ** 2).sum() ** 0.5 / (grad_a**2).sum() ** 0.5
        print(
            f'{"":>10} {"ratio":>16} {time_b / time_a:9.3f} {memory_b / memory_a:10.3f}   '
            f'relative difference: value {abs(value_b / value_a - 1):.1e}, gradient {error:.1e}'
        )


if __name__ == '__main__':
    main()
