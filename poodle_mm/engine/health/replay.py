"""Runs a saved batch again: losses, statistics, the first number that is not finite, pictures."""

from collections.abc import Iterator, Mapping
from contextlib import nullcontext
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch
from mmengine.config import Config
from mmengine.device import get_device
from mmengine.logging import MessageHub
from mmengine.optim import build_optim_wrapper
from mmengine.registry import init_default_scope
from torch import nn

from poodle_mm.checkpoints import load_file
from poodle_mm.checkpoints.state_dict import check_state
from poodle_mm.engine.config import load_config
from poodle_mm.engine.health.finite import broken_tensors
from poodle_mm.engine.health.saved_batch import load_batch, set_random_state
from poodle_mm.engine.health.statistics import Observer, step_statistics
from poodle_mm.engine.health.trace import FiniteTrace, tracing
from poodle_mm.engine.hooks.pair_visualization_hook import described, look, undisturbed
from poodle_mm.engine.train import set_tf32
from poodle_mm.registry import MODELS, register_all_modules
from poodle_mm.utils.errors import warn
from poodle_mm.utils.files import replacing

if TYPE_CHECKING:
    from matplotlib.figure import Figure


@dataclass
class Replay:
    """A batch that was run again.

    Attributes:
        saved: The file's entries.
        weights: File whose weights were used.
        exact: Whether they are those that the run had.
        losses: Losses and statistics of the model.
        statistics: Those of :func:`~poodle_mm.engine.health.statistics.step_statistics`.
        trace: Which outputs and gradients are not finite.
        broken: Weights, and gradients of weights, that are not finite.
        pictures: Files.
    """

    saved: dict[str, Any]
    weights: Path
    exact: bool
    losses: dict[str, float]
    statistics: dict[str, float]
    trace: FiniteTrace
    broken: dict[str, list[str]]
    pictures: list[Path] = field(default_factory=list)

    def described(self) -> str:
        """The result as text."""
        saved = self.saved
        lines = [
            f'iteration {saved["iter"]}, process {saved["rank"]} of {saved["processes"]}, seed '
            f'{saved["seed"]}; saved because of {saved["kind"]}:',
            f'  {saved["message"]}',
            f'weights: {self.weights}'
            + ('' if self.exact else ', not those of the iteration: its numbers come near at best'),
            f'{"":28s}{"then":>14s}{"now":>14s}',
        ]
        for name, value in self.losses.items():
            then = saved['losses'].get(name)
            lines.append(f'  {name:26s}{_number(then)}{_number(value)}{_compared(then, value)}')
        lines += [f'  {name:26s}{"":14s}{_number(v)}' for name, v in self.statistics.items()]
        lines += self.trace.described()
        for what, names in self.broken.items():
            lines.append(
                f'{what}: {len(names)} are not finite, the first is {names[0]}'
                if names
                else f'{what}: all finite'
            )
        return '\n'.join(lines)


def replay(
    batch: str | Path,
    config: str | Path | None = None,
    checkpoint: str | Path | None = None,
    out: str | Path | None = None,
    num: int = 2,
) -> Replay:
    """Run a saved batch forwards and backwards; there is no optimizer step.

    With the weights that were saved beside it, on the same kind of machine and alone (batch norm
    over processes and queues that they share are not repeated), the losses are those of the run to
    the last bit.

    Args:
        batch: File that :class:`~poodle_mm.engine.hooks.health_hook.HealthHook` has saved.
        config: Config; default the run's, which lies in the folder above the batch's. Like any
            config it is a program: use only those that you trust. The batch is data.
        checkpoint: Other weights, for example of an earlier checkpoint.
        out: Folder for the pictures; default the batch's, no pictures with ``num=0``.
        num: Samples that are drawn.

    Raises:
        FileNotFoundError: If a file is missing.
        ValueError: If the batch is damaged, or the weights do not fit the config.
    """
    register_all_modules()
    batch = Path(batch)
    saved = load_batch(batch)
    config = Path(config) if config else batch.parent.parent / Path(saved['config']).name
    if not config.is_file():
        raise FileNotFoundError(f"{config}: no such file; name the run's config with --config")
    weights = Path(checkpoint) if checkpoint else batch.parent / Path(saved['weights']).name
    if not weights.is_file():
        raise FileNotFoundError(
            f"{weights}: no such file; name a checkpoint of the run's with --checkpoint"
        )
    cfg = load_config(config)
    init_default_scope(cfg.get('default_scope', 'poodle_mm'))
    # where mmpretrain's averages find the length of their schedule
    MessageHub.get_current_instance().update_info('max_iters', saved['max_iters'])
    set_tf32(cfg.get('allow_tf32', False))
    model = _model(cfg, weights, saved)
    observer = Observer(model)
    observer.active = True
    with tracing(model) as trace:
        set_random_state(saved['random'])
        with _context(cfg, model):
            data = model.data_preprocessor(saved['batch'], True)
            losses = model._run_forward(data, mode='loss')
        total, logged = model.parse_losses(losses)
        if total.requires_grad:
            total.backward()
    statistics = step_statistics(observer.seen)
    observer.close()
    gradients = ((name, p.grad) for name, p in model.named_parameters())
    result = Replay(
        saved,
        weights,
        saved['exact'] and checkpoint is None,
        {name: float(value.detach()) for name, value in logged.items()},
        statistics,
        trace,
        dict(
            weights=broken_tensors(model.named_parameters()),
            gradients_of_weights=broken_tensors(gradients),
        ),
    )
    if num:
        folder = Path(out) if out else batch.parent
        other = weights.name if checkpoint else ''
        for index, figure in enumerate(_figures(model, saved, num, other)):
            result.pictures.append(folder / f'{batch.stem}_{index}.png')
            with replacing(result.pictures[-1]) as temporary:
                figure.savefig(temporary, dpi=100)
    return result


def _model(cfg: Config, weights: Path, saved: Mapping[str, Any]) -> nn.Module:
    model = MODELS.build(cfg.model)
    content = load_file(weights)
    state = content.get('state_dict', content)
    check_state(model, state, weights, hint="Is --config the run's, and --checkpoint of it?")
    model.load_state_dict(state)
    if hasattr(model, 'memory_format'):  # PooDLe's initialisation sets it
        for child in model.children():
            if child is not model.data_preprocessor:
                child.to(memory_format=model.memory_format)
    if saved['total_steps'] is not None and hasattr(model, 'target'):
        model.target.total_steps = saved['total_steps']
    return model.to(get_device()).train()


def _context(cfg: Config, model: nn.Module) -> Any:
    """Autocast as in the run, where this machine has it."""
    if cfg.optim_wrapper.get('type') == 'AmpOptimWrapper' and not torch.cuda.is_available():
        warn('the run was in mixed precision on a GPU; here the batch is run in float32')
        return nullcontext()
    return build_optim_wrapper(model, cfg.optim_wrapper).optim_context(model)


def _figures(
    model: nn.Module, saved: Mapping[str, Any], num: int, other: str
) -> 'Iterator[Figure]':
    """What the network saw: as ``PairVisualizationHook`` draws it, or the views side by side."""
    from poodle_mm.visualization.images import denormalised
    from poodle_mm.visualization.pair import draw_pair
    from poodle_mm.visualization.panels import draw_columns

    batch = saved['batch']
    with undisturbed(model):
        some = {name: batch[name][:num] for name in ('inputs', 'data_samples')}
        if hasattr(model, 'draw_pairs'):
            yield from model.draw_pairs(some, saved['iter'])
            return
        if hasattr(model.data_preprocessor, 'num_subcrops'):
            network = f'the network of {other}' if other else described(model, saved['iter'] - 1)
            views, maps = look(model, some)
            # what is not finite has no colours
            maps = {name: found for name, found in maps.items() if found.isfinite().all()}
            for index in range(len(some['inputs'])):
                yield draw_pair(views, index, maps, network)
            return
        views = model.data_preprocessor(batch, True)['inputs']
        views = views if isinstance(views, (list, tuple)) else [views]
        columns = {f'view {n + 1}': [*denormalised(v[:num])] for n, v in enumerate(views)}
        text = f'a row a sample: what the network saw in iteration {saved["iter"]}'
        yield draw_columns(columns, lines=[(('#7c7467',), text)])


def _number(value: float | None) -> str:
    return f'{"-" if value is None else format(value, ".6g"):>14s}'


def _compared(then: float | None, now: float) -> str:
    if then is None:
        return ''
    same = then == now or (then != then and now != now)  # NaN differs from itself
    return '   the same' if same else f'   differs by {abs(then - now):.2g}'
