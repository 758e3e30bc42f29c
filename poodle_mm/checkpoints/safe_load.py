"""Reading a checkpoint file without executing anything that is in it.

A checkpoint is a pickle, and a pickle may name any function and have it called. Here only tensors,
arrays, containers, numbers, strings and MMEngine's histories of scalars are built; an object of any
other class becomes a :class:`Stub`, which keeps nothing but the name of that class. Its module is
not imported, so it need not be installed.
"""

import pickle
import zipfile
from collections import OrderedDict
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import torch
from mmengine.logging import HistoryBuffer

_REBUILD = ('_rebuild_tensor', '_rebuild_tensor_v2', '_rebuild_parameter')
_BUILTINS = (bytearray, complex, dict, float, frozenset, int, list, set, tuple)
_TYPES = {
    ('collections', 'OrderedDict'): OrderedDict,
    ('torch', 'Size'): torch.Size,
    ('torch', 'device'): torch.device,
    ('numpy', 'dtype'): np.dtype,
    ('numpy', 'ndarray'): np.ndarray,
    **{
        (module, kind.__name__): kind
        for module in ('builtins', '__builtin__')  # protocol 2 has Python 2's name
        for kind in _BUILTINS
    },
    **{('torch', name): value for name, value in vars(torch).items() if type(value) is torch.dtype},
}


class Stub:
    """Placeholder in a read file for an object that was not built.

    It takes whatever a pickle does to an object and ignores it.

    Attributes:
        class_name: Module and name of the class or function in the file.
    """

    class_name = ''

    def __new__(cls, *args, **kwargs) -> 'Stub':
        return super().__new__(cls)

    def __init__(self, *args, **kwargs) -> None:
        pass

    def _ignore(self, *args, **kwargs) -> None:
        pass

    __setstate__ = __setitem__ = append = extend = add = update = _ignore

    def __call__(self, *args, **kwargs) -> 'Stub':
        return self

    def __repr__(self) -> str:
        return f'<not loaded: {self.class_name}>'


class _Rebuild:
    """A function that makes a tensor or an array; a file can call it but not change it."""

    __slots__ = ('_function',)

    def __init__(self, function: Callable) -> None:
        self._function = function

    def __call__(self, *args) -> Any:
        return self._function(*args)

    def __setstate__(self, state: object) -> None:
        raise pickle.UnpicklingError('the file tries to change a function')


class _Sealed(type):
    """A class whose attributes a file cannot set."""

    def __setattr__(cls, name: str, value: object) -> None:
        raise pickle.UnpicklingError('the file tries to change a class')


class _History(HistoryBuffer, metaclass=_Sealed):
    """A ``HistoryBuffer`` in the making; the methods that the file names for it are left out."""

    def __setstate__(self, state: dict) -> None:
        values, counts = (np.asarray(state[k]) for k in ('_log_history', '_count_history'))
        HistoryBuffer.__init__(self, values, counts, int(state['max_length']))
        self.__class__ = HistoryBuffer


# What NumPy pickles with, asked of itself: its modules of these functions differ between versions.
_ARRAY_FUNCTIONS = dict(
    _reconstruct=np.zeros(0).__reduce__()[0],
    scalar=np.float64(0).__reduce__()[0],
)
_FUNCTIONS = {
    ('_codecs', 'encode'): lambda text, encoding: text.encode(encoding),
    **{('torch._utils', name): getattr(torch._utils, name) for name in _REBUILD},
    **{
        (f'numpy.{core}.multiarray', name): function
        for core in ('core', '_core')
        for name, function in _ARRAY_FUNCTIONS.items()
    },
}


class _StubbingUnpickler(pickle.Unpickler):
    """Finds the few classes and functions above and makes a stub for every other name."""

    def find_class(self, module: str, name: str) -> Any:
        if (module, name) in _TYPES:
            return _TYPES[module, name]
        if (module, name) in _FUNCTIONS:
            return _Rebuild(_FUNCTIONS[module, name])
        if (module, name) == ('mmengine.logging.history_buffer', 'HistoryBuffer'):
            return _History
        return type('Stub', (Stub,), dict(class_name=f'{module}.{name}'))


def _refuse(*args, **kwargs) -> None:
    raise pickle.UnpicklingError('not a checkpoint in the zip format of torch 1.6 and later')


# What torch.load wants of a ``pickle_module``; ``load`` belongs to the format before torch 1.6.
_PICKLE = SimpleNamespace(__name__=__name__, Unpickler=_StubbingUnpickler, load=_refuse)


def safe_load(path: str | Path, map_location: Any = 'cpu', mapped: bool = True) -> Any:
    """Read a local checkpoint: tensors, arrays, containers, numbers.

    torch's ``weights_only`` reader comes first; only what it refuses, because the file names other
    classes, is read with stubs.

    Args:
        path: File written by ``torch.save``.
        map_location: Device, or another value that ``torch.load`` takes.
        mapped: Whether tensors are mapped from the file, which then must not change; otherwise
            they are copied.

    Raises:
        pickle.UnpicklingError: If the file needs stubs and is older than torch 1.6, or is a
            TorchScript archive, which is a program.
        Exception: Any kind, by torch, for damaged files.
    """
    path = str(path)
    archive = zipfile.is_zipfile(path)
    if archive and torch._C.PyTorchFileReader(path).has_record('constants.pkl'):
        raise pickle.UnpicklingError('a TorchScript archive is a program, not a checkpoint')
    options = dict(map_location=map_location, mmap=archive and mapped)
    try:
        return torch.load(path, weights_only=True, **options)
    except pickle.UnpicklingError:
        if not archive:
            _refuse()
    return torch.load(path, weights_only=False, pickle_module=_PICKLE, **options)
