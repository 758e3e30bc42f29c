"""Runs stages one after the other and reports each as soon as it is measured."""

import argparse
import gc
import os
import shlex
from importlib import import_module
from pathlib import Path

import torch

from benchmarks.report import MARKDOWN, add_to_report, stage_markdown
from benchmarks.result import Options
from poodle_mm.engine.train import set_tf32


def run_stages(args: argparse.Namespace, configs: Path, argv: list[str]) -> None:
    """Measure stages and write each one's table.

    Args:
        args: Arguments of ``tools/benchmark.py``: ``stages``, ``device``, ``repeats``, ``threads``,
            ``quick``, ``video``, ``tf32``, ``out``.
        configs: The repository's folder of configs.
        argv: The command line, for the report.

    Raises:
        ValueError: If a GPU is asked for and there is none.
    """
    if args.device == 'cuda' and not torch.cuda.is_available():
        raise ValueError('--device cuda: torch finds no GPU; use --device cpu')
    set_tf32(args.tf32)
    options = Options(
        device=args.device,
        repeats=args.repeats,
        threads=args.threads or len(os.sched_getaffinity(0)),
        quick=args.quick,
        cache=args.out / 'cache',
        video=args.video,
        configs=configs,
    )
    command = shlex.join(['python', 'tools/benchmark.py', *argv])
    report = args.out / MARKDOWN.format(device=args.device)
    for name in args.stages:
        print(f'--- {name}', flush=True)
        try:
            result = import_module(f'benchmarks.{name}').run(options)
        except torch.OutOfMemoryError as error:
            print(f'{name}: left out, it does not fit into the memory: {error}', flush=True)
            continue
        finally:
            gc.collect()
        # first to the console: what was measured outlives a report that cannot be written
        print(stage_markdown(result.as_dict()), flush=True)
        add_to_report(args.out, result, args.device, command)
        print(f'written to {report}\n', flush=True)
