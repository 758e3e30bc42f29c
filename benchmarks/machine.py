"""The machine of a measurement."""

import os
import platform
import subprocess
import sys
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

import torch

PACKAGES = (
    'poodle_mm',
    'torch',
    'torchvision',
    'onedl-mmengine',
    'onedl-mmcv',
    'onedl-mmpretrain',
    'av',
    'opencv-python',
    'numpy',
)


def describe_machine() -> dict:
    """Processor, cores, memory, load, GPU and versions, for the head of a report."""
    pages, page = os.sysconf('SC_PHYS_PAGES'), os.sysconf('SC_PAGE_SIZE')
    gpu = torch.cuda.get_device_name() if torch.cuda.is_available() else None
    return dict(
        processor=_processor(),
        instructions=torch.backends.cpu.get_cpu_capability(),
        bfloat16=_has_bfloat16(),
        cores=len(os.sched_getaffinity(0)),
        memory_gib=round(pages * page / 2**30, 1),
        load=round(os.getloadavg()[0], 2),
        gpu=gpu,
        system=platform.platform(),
        python=sys.version.split()[0],
        packages={name: found for name in PACKAGES if (found := _version(name))},
        commit=_commit(),
        malloc=os.environ.get('GLIBC_TUNABLES', 'default'),
    )


def _version(package: str) -> str | None:
    try:
        return version(package)
    except PackageNotFoundError:
        return None


def _processor() -> str:
    info = Path('/proc/cpuinfo')
    if info.is_file():
        for line in info.read_text().splitlines():
            if line.startswith('model name'):
                return line.split(':', 1)[1].strip()
    return platform.processor() or platform.machine()


def _has_bfloat16() -> str:
    """Instructions by which the processor multiplies bfloat16."""
    info = Path('/proc/cpuinfo')
    flags = info.read_text() if info.is_file() else ''
    for flag, name in (('amx_bf16', 'AMX'), ('avx512_bf16', 'AVX-512 BF16')):
        if flag in flags:
            return name
    return 'none'


def _commit() -> str | None:
    """The checkout's commit, with a plus sign if files were changed."""
    here = Path(__file__).parent
    try:
        found = subprocess.run(
            ['git', 'describe', '--always', '--dirty=+'], cwd=here, capture_output=True, text=True
        )
    except FileNotFoundError:
        return None
    return found.stdout.strip() or None
