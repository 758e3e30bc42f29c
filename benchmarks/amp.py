"""Stage ``amp``: how far bfloat16 moves the losses of a training from those of float32."""

from functools import partial

import torch

from benchmarks.networks import build, model_config, optimizer_of, random_pairs, training_step
from benchmarks.result import Measurement, Options, StageResult, Target
from benchmarks.timing import wall_seconds

FLOAT32, AGAIN, BFLOAT16 = 'float32', 'float32 once more', 'bfloat16'
METHODS = {'paper': 'poodle', 'release': 'release'}


def run(options: Options) -> StageResult:
    """Train the same network on the same pairs, from the same weights, in both formats."""
    torch.set_num_threads(options.threads)
    cuda = options.device == 'cuda' and not options.quick
    size = (64, 128) if options.quick else (256, 512)
    batch, steps = (16, 50) if cuda else (2, 4 if options.quick else 10)
    result = StageResult(
        'amp',
        'bfloat16 against float32',
        f'{steps} steps of {batch} pair(s) of {size[0]}x{size[1]}, eight batches in turn, AdamW',
        'step',
        [],
    )
    for recipe, method in METHODS.items():
        losses = {}
        for name in (FLOAT32, AGAIN, BFLOAT16):
            row, losses[name] = train(options, method, size, batch, steps, name == BFLOAT16)
            row.name = f'{recipe}, {name}'
            result.rows.append(row)
        for name in (AGAIN, BFLOAT16):
            distance = (losses[name] / losses[FLOAT32] - 1).abs()
            row = result.row(f'{recipe}, {name}')
            row.more['loss: mean difference'] = f'{distance.mean():.2%}'
            row.more['greatest'] = f'{distance.max():.2%}'
        result.targets.append(
            Target(
                f'{recipe}: mean distance of the loss from that of float32',
                (losses[BFLOAT16] / losses[FLOAT32] - 1).abs().mean().item(),
                '<= 0.02',
            )
        )
    result.notes = [
        'The second run in float32 shows what the order of sums alone does: on a GPU some sums '
        'have none.'
    ]
    return result


def train(
    options: Options, method: str, size: tuple[int, int], batch: int, steps: int, bfloat16: bool
) -> tuple[Measurement, torch.Tensor]:
    """Losses (steps,) of a training from seed 0, and the time of its second half's steps."""
    model = build(model_config(options, method), options.device)
    optimizer = optimizer_of(model)
    batches = [random_pairs(batch, size, options.device, seed=i) for i in range(8)]
    losses: list[torch.Tensor] = []
    seconds = []

    def step(data: dict) -> None:
        losses.append(training_step(model, data, optimizer, bfloat16))

    for i in range(steps):
        seconds.append(wall_seconds(partial(step, batches[i % len(batches)]), options.device))
    return Measurement('', seconds[steps // 2 :]), torch.stack(losses).double().cpu()
