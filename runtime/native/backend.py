"""NumPy with the kernels of emitted programs compiled."""

from __future__ import annotations

import ctypes
import hashlib
from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from functools import partial
from types import SimpleNamespace
from typing import Any

import numpy as np

from dsl.errors import InternalError
from runtime.backend import Array, Backend
from runtime.native.blas import product_address
from runtime.native.cache import Cache, Entry, user_cache
from runtime.native.loading import Function, Loader
from runtime.native.machine import machine_key
from runtime.native.texts import kernel_texts
from runtime.numpy_backend import numpy_backend

NAME = "numba"


def native_backend(cache: Cache | None = None) -> Backend:
    """cache: None for the user's own"""
    backend, functions = numpy_backend(), Functions(user_cache() if cache is None else cache)

    def kernels_of(source: str) -> SimpleNamespace:
        return SimpleNamespace(**vars(backend.kernels), **vars(functions.of_program(source)))

    return replace(backend, name=NAME, native=kernels_of)


CHAIN = """\
def kernel(p):
    n = p[0]
    functions, given = i64(p[1], n), i64(p[2], n)
    for i in range(n):
        call(functions[i], given[i])
"""
"""A kernel that runs kernels: a whole loop over positions without Python."""


def _number(given: int | str | Array) -> int:
    """What stands in p: a size, the address of an array, or of the matrix product in that width."""
    if isinstance(given, int):
        return given
    return product_address(given) if isinstance(given, str) else given.ctypes.data


def _bound(function: Function, numbers: Sequence[int], kept: object) -> Callable[[], None]:
    p: Any = np.array(numbers, np.int64).ctypes.data_as(ctypes.c_void_p)
    # Whoever has the call has what it works on.
    p.kept = kept
    return partial(function, p)


class Functions:
    """The kernels that this process has, each by its text: loaded from the cache, or compiled and kept there."""

    def __init__(self, cache: Cache) -> None:
        self._cache = cache
        self._loader = Loader()
        self._known: dict[str, Function] = {}
        self._key = machine_key()

    def of_program(self, source: str) -> SimpleNamespace:
        """native(name, *p): the kernel of that name in the source, bound to what it is given; chain: several as one."""
        found = {name: self.function(text) for name, text in kernel_texts(source).items()}

        def native(name: str, *given: int | str | Array) -> Callable[[], None]:
            return _bound(found[name], [_number(x) for x in given], given)

        return SimpleNamespace(native=native, chain=self.chain)

    def chain(self, calls: Iterable[Sequence[Any]]) -> Callable[[], None]:
        """Calls of kernels, one after the other, as one call; each item has those of one position."""
        every = [call for each in calls for call in each]
        functions = np.array([ctypes.cast(call.func, ctypes.c_void_p).value for call in every], np.int64)
        given = np.array([call.args[0].value for call in every], np.int64)
        return _bound(
            self.function(CHAIN), [len(every), functions.ctypes.data, given.ctypes.data], (every, functions, given)
        )

    def function(self, text: str) -> Function:
        if text not in self._known:
            self._known[text] = self._loaded(text)
        return self._known[text]

    def _loaded(self, text: str) -> Function:
        symbol = f"kernel_{hashlib.sha256((self._key + text).encode()).hexdigest()}"
        entry = self._cache.read(symbol)
        found = None if entry is None else self._loader.load(entry.code, symbol, entry.needs)
        if found is None:
            from runtime.native.compiling import compiled

            entry = Entry(*compiled(text, symbol))
            found = self._loader.load(entry.code, symbol, entry.needs)
            if found is None:
                raise InternalError(f"a kernel needs {', '.join(entry.needs)}, and this process has not all of them")
            self._cache.write(symbol, entry)
        return found
