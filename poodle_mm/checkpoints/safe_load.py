"""Reading a checkpoint file without executing anything that is in it.

A checkpoint is a pickle, and a pickle may name any function and have it called. Here only tensors,
containers, numbers and strings are built; an object of any other class becomes a :class:`Stub`,
which keeps nothing but the name of that class. Its module is not imported, so it need not be
installed.
"""

import pickle
import zipfile
from collections import OrderedDict
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import torch

_REBUILD = ('_rebuild_tensor', '_rebuild_tensor_v2', '_rebuild_parameter')
_BUILTINS = (bytearray, complex, dict, float, frozenset, int, list, set, tuple)
_TYPES = {
    ('collections', 'OrderedDict'): OrderedDict,
    ('torch', 'Size'): torch.Size,
    ('torch', 'device'): torch.device,
    **{
        (module, kind.__name__): kind
        for module in ('builtins', '__builtin__')  # protocol 2 has Python 2's name
        for kind in _BUILTINS
    },
    **{('torch', name): value for name, value in vars(torch).items() if type(value) is torch.dtype},
}


class Stub:
    """What stands in a read file for an object that was not built.

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
    """One of torch's functions that make tensors; a file can call it but not change it."""

    __slots__ = ('_function',)

    def __init__(self, function: Callable) -> None:
        self._function = function

    def __call__(self, *args) -> Any:
        return self._function(*args)

    def __setstate__(self, state: object) -> None:
        raise pickle.UnpicklingError('the file tries to change a function')


class _StubbingUnpickler(pickle.Unpickler):
    """Finds the few classes above and makes a stub for every other name."""

    def find_class(self, module: str, name: str) -> Any:
        if (module, name) in _TYPES:
            return _TYPES[module, name]
        if module == 'torch._utils' and name in _REBUILD:
            return _Rebuild(getattr(torch._utils, name))
        return type('Stub', (Stub,), dict(class_name=f'{module}.{name}'))


def _refuse(*args, **kwargs) -> None:
    raise pickle.UnpicklingError('not a checkpoint in the zip format of torch 1.6 and later')


# What torch.load wants of a ``pickle_module``; ``load`` belongs to the format before torch 1.6.
_PICKLE = SimpleNamespace(__name__=__name__, Unpickler=_StubbingUnpickler, load=_refuse)


def safe_load(path: str | Path) -> Any:
    """Read a local checkpoint: tensors (on the CPU, mapped from the file), containers, numbers.

    torch's ``weights_only`` reader comes first; only what it refuses, because the file names other
    classes, is read with stubs.

    Args:
        path: Written by ``torch.save``.

    Raises:
        pickle.UnpicklingError: If the file needs stubs and is older than torch 1.6, or is a
            TorchScript archive, which is a program.
        Exception: What torch raises for damaged files.
    """
    path = str(path)
    mapped = zipfile.is_zipfile(path)
    if mapped and torch._C.PyTorchFileReader(path).has_record('constants.pkl'):
        raise pickle.UnpicklingError('a TorchScript archive is a program, not a checkpoint')
    try:
        return torch.load(path, map_location='cpu', weights_only=True, mmap=mapped)
    except pickle.UnpicklingError:
        if not mapped:
            _refuse()
    return torch.load(
        path, map_location='cpu', weights_only=False, pickle_module=_PICKLE, mmap=True
    )
