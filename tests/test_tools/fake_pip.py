"""Stand-in for pip in the tests of tools/build_mmcv_ops.sh: notes its calls, makes toy wheels."""

import os
import sys
import time
import zipfile
from pathlib import Path

arguments = sys.argv[1:]
with open(os.environ['FAKE_LOG'], 'a') as log:
    hidden = os.environ.get('CUDA_VISIBLE_DEVICES', 'visible')
    print(*arguments, os.getpid(), f'jobs={os.environ.get("MAX_JOBS")}', f'gpu={hidden}', file=log)

if arguments[0] == 'wheel':
    mode = os.environ.get('FAKE_BUILD', 'good')
    folder = Path(arguments[arguments.index('-w') + 1])
    folder.mkdir()
    wheel = folder / 'toy.whl'
    if mode == 'fails':
        wheel.write_bytes(b'half')
        print('[3/7] c++ nms.cpp\nnms.cpp: fatal error: no more room')
        sys.exit(1)
    if mode == 'slow':
        time.sleep(3)
    with zipfile.ZipFile(wheel, 'w') as archive:
        archive.writestr('mmcv/__init__.py', '')
        if mode != 'without operators':
            archive.write(os.environ['FAKE_EXTENSION'], 'mmcv/_ext.so')
            archive.writestr('mmcv/ops.py', 'from . import _ext')
elif arguments[0] == 'install' and arguments[-1].endswith('.whl'):
    zipfile.ZipFile(arguments[-1]).extractall(os.environ['FAKE_SITE'])
