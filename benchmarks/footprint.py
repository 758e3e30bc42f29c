"""Memory and operations of a training step on a GPU, counted where there is none.

python -m benchmarks.footprint configs/poodle_r50_bdd.py --batch 4 8 16 --amp
python -m benchmarks.footprint configs/poodle_r50_bdd.py --batch 8 --size 256 512 --processes 16

Nothing is computed: tensors have shapes and no numbers (torch's ``FakeTensorMode``).
"""

import argparse
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from functools import partial
from unittest.mock import patch

import torch
from mmengine.config import Config, DictAction
from mmengine.registry import DefaultScope
from torch import Tensor, nn
from torch._subclasses import FakeTensorMode
from torch.utils.flop_counter import FlopCounterMode

from benchmarks.activations import LiveBytes, kept_bytes
from benchmarks.networks import total_loss
from poodle_mm.engine.config import load_config
from poodle_mm.flow.raft import RAFTFlow
from poodle_mm.models.heads import dense_head
from poodle_mm.registry import MODELS, register_all_modules
from poodle_mm.utils.errors import one_line_errors

# Modules of the online network, and of the target network where they have other names.
PARTS = {
    'encoder': ('backbone',),
    'SDM': ('neck',),
    'dense head': ('dense_head.projector', 'dense_head.predictor', 'dense_projector'),
    'pooled head': ('pooled_head.projector', 'pooled_head.predictor', 'pooled_projector'),
}


@dataclass
class Footprint:
    """Bytes that a process needs on its GPU.

    Attributes:
        weights: Online and target network.
        gradients: Gradients, and DDP's buckets of the same size if there are several processes.
        optimizer: AdamW's two moments.
        views: Views that the preprocessor hands to the model.
        kept: Tensors of the forward pass that the backward pass needs.
        step: Most that lives at once in forward and backward pass; contains ``kept``.
        flow: Most that lives at once in the flow estimator, when the other views are not yet made.
        total: Everything that stays, with the larger of step and flow.
    """

    weights: int
    gradients: int
    optimizer: int
    views: int
    kept: int
    step: int
    flow: int
    total: int


class FakeStep:
    """The step of a config on tensors without numbers.

    Args:
        cfg: Config of a PooDLe. A flow estimator other than RAFT counts nothing.
        amp: Whether the networks run under autocast to bfloat16.
    """

    def __init__(self, cfg: Config, amp: bool = False) -> None:
        self.amp = amp
        self.fake = FakeTensorMode()
        options = cfg.model.to_dict()
        options['backbone'].pop('init_cfg', None)
        if options['data_preprocessor']['flow']['type'] == 'RAFTFlow':
            options['data_preprocessor']['flow']['weights'] = None  # nothing is downloaded
        register_all_modules()
        with DefaultScope.overwrite_default_scope('poodle_mm'):
            self.model = MODELS.build(options).train()
        self._replace_tensors(self.model)
        self.flow = self.model.data_preprocessor.flow
        if isinstance(self.flow, RAFTFlow):
            net = self.flow.net
            self._replace_tensors(net)
            self.flow.batched = True  # as on a GPU
            net.to = lambda device: net  # torch's would try to swap the fakes

    def _replace_tensors(self, model: nn.Module) -> None:
        for module in model.modules():
            for tensors in (module._parameters, module._buffers):
                for name, tensor in tensors.items():
                    tensors[name] = None if tensor is None else self.fake.from_tensor(tensor)

    @contextmanager
    def without_numbers(self) -> Iterator[None]:
        """Within it only shapes are worked out, and the dense loss takes the way of GPUs."""
        static = partial(dense_head.flow_equivariance_loss, static=True)
        with self.fake, patch.object(dense_head, 'flow_equivariance_loss', static):
            yield

    def views(self, batch: int, size: tuple[int, int]) -> dict[str, Tensor]:
        """Views of ``batch`` pairs of (H, W) pixels, as the preprocessor makes them."""
        subcrops, shape = self.model.data_preprocessor.subcrops, (2, batch, 3, *size)
        views = dict(
            frames=torch.empty(shape),
            dense=torch.empty(shape),
            affine=torch.empty(2, batch, 2, 3),
            flow=torch.empty(2, batch, 2, *size),
            visible=torch.empty(2, batch, *size, dtype=torch.bool),
        )
        if subcrops.num:
            each = (3, subcrops.size, subcrops.size)
            views['subcrops'] = torch.empty(2, 2, batch, subcrops.num, *each)
            views['fallback'] = torch.empty(2, batch, subcrops.num, dtype=torch.bool)
        return views

    def loss(self, views: dict[str, Tensor]) -> Tensor:
        """Forward pass of both networks, and the loss."""
        with torch.autocast('cpu', torch.bfloat16, enabled=self.amp):
            return total_loss(self.model(views, mode='loss'))

    def estimate_flow(self, views: dict[str, Tensor]) -> None:
        """Run the estimator if it runs on the GPU, on frames of its own size."""
        if isinstance(self.flow, RAFTFlow):
            frames = views['frames']
            if self.flow.size:
                frames = frames.new_empty(*frames.shape[:3], *self.flow.size)
            with torch.no_grad():
                self.flow.estimate(*frames, None)

    def footprint(self, batch: int, size: tuple[int, int], processes: int = 1) -> Footprint:
        """Bytes of a step whose gradients add up to those of a step before (accumulation).

        Args:
            batch: Pairs a process.
            size: (H, W) of the crops in pixels.
            processes: Number of processes in all.
        """
        gradients = size_of(p for p in self.model.parameters() if p.requires_grad)
        with self.without_numbers():
            views = self.views(batch, size)
            kept = kept_bytes(partial(self.loss, views), self.model.parameters())
            with LiveBytes() as flow:
                self.estimate_flow(views)
            self.loss(views).backward()  # the step before
            with LiveBytes() as step:
                self.loss(views).backward()
            self.model.zero_grad(set_to_none=True)
        found = dict(
            weights=size_of([*self.model.parameters(), *self.model.buffers()]),
            gradients=gradients * (2 if processes > 1 else 1),
            optimizer=2 * gradients,
        )
        stays, ready = sum(found.values()), size_of(views.values())
        total = stays + max(ready + step.peak, size_of([views['frames']]) + flow.peak)
        return Footprint(
            **found, views=ready, kept=kept, step=step.peak, flow=flow.peak, total=total
        )

    def operations(self, size: tuple[int, int]) -> dict[str, int]:
        """Multiply-adds (times two) of a pair's step, by part.

        The online network's count three times, forward and the two products of the backward pass,
        those of the target network once. The dense loss makes its gradient in its forward pass.
        """
        with self.without_numbers():
            views = self.views(1, size)
            with FlopCounterMode(display=False) as flow:
                self.estimate_flow(views)
            with FlopCounterMode(display=False) as forward:
                self.loss(views)
        counts = {name: sum(x.values()) for name, x in forward.get_flop_counts().items()}
        parts, once = {'flow': flow.get_total_flops()}, 0
        for part, names in PARTS.items():
            online, target = (
                sum(counts.get(prefix + name, 0) for name in names)
                for prefix in ('PooDLe.', 'PooDLe.target.module.')
            )
            parts[part] = 3 * online + target
            once += online + target
        return parts | {'dense loss': forward.get_total_flops() - once}


def size_of(tensors: Iterable[Tensor]) -> int:
    """Bytes of tensors."""
    return sum(x.numel() * x.element_size() for x in tensors)


def crop_size(cfg: Config) -> tuple[int, int]:
    """(H, W) of a config's crops."""
    return tuple(next(t.size for t in cfg.train_dataloader.dataset.pipeline if 'size' in t))


def markdown(cfg: Config, args: argparse.Namespace) -> str:
    """Both tables."""
    step, size = FakeStep(cfg, args.amp), tuple(args.size or crop_size(cfg))
    rows = [step.footprint(batch, size, args.processes) for batch in args.batch]
    columns = list(asdict(rows[0]))
    lines = ['| pairs | ' + ' | '.join(f'{name} GiB' for name in columns) + ' |']
    lines.append('|---:' * (len(columns) + 1) + '|')
    for batch, row in zip(args.batch, rows):
        cells = (f'{value / 2**30:.2f}' for value in asdict(row).values())
        lines.append(f'| {batch} | ' + ' | '.join(cells) + ' |')
    operations = step.operations(size)
    lines += ['', '| part | GFLOP a pair | share % |', '|---|---:|---:|']
    for part, count in operations.items():
        share = 100 * count / sum(operations.values())
        lines.append(f'| {part} | {count / 1e9:,.1f} | {share:.1f} |')
    return '\n'.join(lines)


def main() -> None:
    """Print the tables of a config."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument('config', help='config file')
    parser.add_argument('--batch', type=int, nargs='+', default=[8], help='pairs a GPU')
    parser.add_argument('--size', type=int, nargs=2, metavar=('H', 'W'), help='of the crops')
    parser.add_argument('--amp', action='store_true', help='bfloat16, as tools/train.py --amp')
    parser.add_argument('--processes', type=int, default=1, help='GPUs in all')
    parser.add_argument('--cfg-options', nargs='+', action=DictAction, metavar='KEY=VALUE')
    parser.add_argument('--debug', action='store_true', help='show the trace of errors')
    args = parser.parse_args()
    with one_line_errors(args.debug):
        print(markdown(load_config(args.config, args.cfg_options), args))


if __name__ == '__main__':
    main()
