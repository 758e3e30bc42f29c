"""Keeps the few pairs of a training that went worst, for the gallery of its report."""

import math
from collections.abc import Mapping
from pathlib import Path

import torch
from mmengine.hooks import Hook
from mmengine.runner import Runner
from torch import Tensor

from poodle_mm.engine.hooks.pair_visualization_hook import undisturbed
from poodle_mm.registry import HOOKS
from poodle_mm.utils.files import read_json, write_image, write_json
from poodle_mm.utils.modules import bare_model

WORST_PAIRS = 'worst_pairs.json'
CRITERIA = dict(
    loss='Largest loss, relative to what was usual then',
    valid_share='Least valid share',
    fallback_share='Most subcrops without a valid centre',
)
"""Criteria in the file, and what they are."""

_FOLDER = 'worst_pairs'
_MOST_FILES = 100


@HOOKS.register_module()
class WorstPairsHook(Hook):
    """Keep, for each criterion, the pairs that went worst: in ``<work_dir>/worst_pairs.json``.

    Criteria are the loss, divided by its running mean, because early losses are all large; the
    least share of valid pixels; and the largest share of subcrops without a valid centre. An entry
    has the pair's file, frames, seed, iteration and value, and a small picture in
    ``<work_dir>/worst_pairs``. What could not be read is listed, too.

    It looks at numbers that the model leaves in ``of_pairs`` and at the pairs of rank 0; where a
    model leaves none, it does nothing. Training is not changed.

    Args:
        keep: Pairs of each criterion; of a video only the worst.
        interval: Iterations between two writings, when the pictures of new pairs are drawn.
        memory: Weight of the past in the running mean of the loss.
    """

    priority = 'LOWEST'

    def __init__(self, keep: int = 4, interval: int = 250, memory: float = 0.9) -> None:
        self.keep = keep
        self.interval = interval
        self.memory = memory
        self.worst: dict[str, list[dict]] = {name: [] for name in CRITERIA}
        self._usual: float | None = None
        self._undrawn: dict[str, tuple[Tensor, object]] = {}  # picture to frames and sample
        self._changed = False

    def before_train(self, runner: Runner) -> None:
        """Go on from what an earlier part of the run has kept."""
        before = read_json(Path(runner.work_dir, WORST_PAIRS)) if runner.iter else None
        if isinstance(before, Mapping) and isinstance(before.get('criteria'), Mapping):
            for name in CRITERIA:
                kept = before['criteria'].get(name)
                if isinstance(kept, list) and all(
                    isinstance(pair, dict) and {'rank', 'source', 'picture'} <= pair.keys()
                    for pair in kept
                ):
                    self.worst[name] = kept

    def after_train_iter(
        self, runner: Runner, batch_idx: int, data_batch: dict, outputs: dict
    ) -> None:
        """Look at the pairs of this iteration; write every ``interval`` and at the end."""
        if runner.rank != 0:
            return
        numbers = getattr(bare_model(runner.model), 'of_pairs', None)
        samples = data_batch.get('data_samples') if isinstance(data_batch, dict) else None
        if numbers and samples is not None:
            self._look(runner, numbers, data_batch['inputs'], samples)
        last = runner.iter + 1 == runner.max_iters
        if self._changed and (last or self.every_n_train_iters(runner, self.interval)):
            self._write(runner)

    def before_leaving(self, runner: Runner) -> None:
        """Write when SIGTERM stops the run."""
        if self._changed and runner.rank == 0:
            self._write(runner)

    def _look(self, runner: Runner, numbers: Mapping, inputs: Tensor, samples: list) -> None:
        names = list(numbers)  # one copy from the device
        values = torch.stack([numbers[name].float() for name in names]).tolist()
        columns = dict(zip(names, values))
        losses = [sum(parts) for parts in zip(*(v for k, v in columns.items() if 'loss' in k))]
        mean = sum(losses) / max(len(losses), 1)
        if not math.isfinite(mean):  # a broken step, which is told elsewhere
            return
        usual = mean if self._usual is None else self._usual
        self._usual = self.memory * usual + (1 - self.memory) * mean
        no_share = [0.0] * len(losses)
        for index, (sample, loss) in enumerate(zip(samples, losses)):
            found = {'loss': (loss / usual if usual > 0 else 0.0, f'{loss:.3g}, usual {usual:.3g}')}
            if 'valid_share' in columns:
                share = columns['valid_share'][index]
                found['valid_share'] = -share, f'{share:.1%} of the pixels'
            if (share := columns.get('fallback_share', no_share)[index]) > 0:
                found['fallback_share'] = share, f'{share:.0%} of the subcrops'
            for name, (rank, text) in found.items():
                self._offer(name, rank, text, runner.iter + 1, index, inputs, sample)

    def _offer(
        self, name: str, rank: float, text: str, iteration: int, index: int, inputs: Tensor,
        sample: object,
    ) -> None:  # fmt: skip
        kept = self.worst[name]
        source = str(sample.get('source'))
        same = next((pair for pair in kept if pair['source'] == source), None)
        rival = same or (kept[-1] if len(kept) >= self.keep else None)
        if rival and rank <= rival['rank']:
            return
        if rival:
            kept.remove(rival)
        picture = f'{_FOLDER}/{iteration:06d}_{index}.jpg'
        pair = dict(
            rank=rank, text=text, iter=iteration, source=source, frame_ids=sample.get('frame_ids'),
            timestamps=sample.get('timestamps'), crop_box=sample.get('crop_box'),
            seed=sample.get('seed'), picture=picture,
        )  # fmt: skip
        kept.append(pair)
        kept.sort(key=lambda pair: -pair['rank'])
        self._undrawn[picture] = inputs[index].cpu().clone(), sample
        wanted = {pair['picture'] for pairs in self.worst.values() for pair in pairs}
        self._undrawn = {name: pair for name, pair in self._undrawn.items() if name in wanted}
        self._changed = True

    def _write(self, runner: Runner) -> None:
        """Draw what is new, write the list, and remove the pictures of what has been pushed out."""
        folder = Path(runner.work_dir)
        for name, (frames, sample) in self._undrawn.items():
            _draw(bare_model(runner.model), frames, sample, folder / name)
        self._undrawn = {}
        source = getattr(runner.train_dataloader.dataset, 'source', None)
        bad = dict(list(getattr(source, 'bad', {}).items())[:_MOST_FILES])
        content = dict(iter=runner.iter + 1, criteria=self.worst, unreadable=bad)
        write_json(folder / WORST_PAIRS, content, indent=1)
        wanted = {pair['picture'] for pairs in self.worst.values() for pair in pairs}
        for file in folder.glob(f'{_FOLDER}/*.jpg'):
            if f'{_FOLDER}/{file.name}' not in wanted:
                file.unlink(missing_ok=True)
        self._changed = False


def _draw(model: torch.nn.Module, frames: Tensor, sample: object, file: Path) -> None:
    """The views of a pair again, which its seed decides, as a small picture."""
    from poodle_mm.visualization.pair_tiles import pair_tiles  # imports matplotlib

    with undisturbed(model):
        data = dict(inputs=frames[None], data_samples=[sample])
        views = model.data_preprocessor(data, True)['inputs']
    write_image(file, pair_tiles(views)[..., ::-1])
