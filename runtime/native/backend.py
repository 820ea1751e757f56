"""NumPy with the kernels of emitted programs compiled."""

from __future__ import annotations

import ctypes
import hashlib
from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from functools import partial
from itertools import pairwise
from threading import Lock
from types import SimpleNamespace
from typing import Any, TypeAlias

import numpy as np

from dsl.errors import InternalError
from runtime.backend import Array, Backend
from runtime.native.blas import product_address
from runtime.native.cache import Cache, Entry, user_cache
from runtime.native.loading import Function, Loader
from runtime.native.machine import machine_key
from runtime.native.team import FOLLOW, LEAD, TELL, WAIT, Team, Words, words
from runtime.native.texts import kernel_texts
from runtime.numpy_backend import numpy_backend

NAME = "numba"


def native_backend(cache: Cache | None = None, threads: int = 1) -> Backend:
    """cache: None for the user's own; threads: that compute a step together, where that is worth it"""
    functions = Functions(user_cache() if cache is None else cache, threads)
    return backend_of(functions.of_program, threads)


def backend_of(of_program: Callable[[str], SimpleNamespace], threads: int) -> Backend:
    backend = numpy_backend()

    def kernels_of(source: str) -> SimpleNamespace:
        return SimpleNamespace(**vars(backend.kernels), **vars(of_program(source)))

    return replace(backend, name=NAME, native=kernels_of, threads=threads)


CHAIN = """\
def kernel(p):
    n = p[0]
    functions, given = i64(p[1], n), i64(p[2], n)
    for i in range(n):
        call(functions[i], given[i])
"""
"""A kernel that runs kernels: a whole loop over positions without Python."""

PRODUCT = """\
def kernel(p):
    # BLAS, m, n, k, then each matrix: where, how far apart its rows are, whether it is transposed
    multiply_{dtype}(p[0], p[1], p[2], p[3], p[4], p[5], p[6], p[7], p[8], p[9], p[10], p[11])
"""
"""The kernel that all others call to multiply: one for each dtype, which is compiled once."""

Step: TypeAlias = Callable[[], None]
Given: TypeAlias = int | str | Array
Split: TypeAlias = tuple[tuple[int, ...], int, tuple[tuple[int, int], ...]]
"""Where each thread's share of the work ends and the next one's begins; which number of p says how much there is; and
which others are more with each unit of work, by how much."""
Listed: TypeAlias = Step | tuple[int, int]
"""What a thread does next: a call, or to wait until another one, the first number, has done so much of its list."""


def address(call: Step) -> int:
    """Of what a bound call is given."""
    return call.args[0].value  # type: ignore[attr-defined]


def called(calls: Sequence[Any]) -> tuple[Words, Words]:
    """The addresses of the functions, and of what each is given."""
    functions = [ctypes.cast(call.func, ctypes.c_void_p).value for call in calls]
    return np.array(functions, np.int64), np.array([address(call) for call in calls], np.int64)


def bound(function: Function, numbers: Sequence[int], kept: object) -> Step:
    p: Any = np.array(numbers, np.int64).ctypes.data_as(ctypes.c_void_p)
    # Whoever has the call has what it works on.
    p.kept = kept
    return partial(function, p)


class Functions:
    """The kernels that this process has, each by its text: loaded from the cache, or compiled and kept there."""

    def __init__(self, cache: Cache, threads: int = 1) -> None:
        self._cache = cache
        self._loader = Loader()
        self._known: dict[str, Function] = {}
        self._key = machine_key()
        self._threads = threads
        self._teams: dict[int, Team] = {}
        """By their number of threads."""
        self._products: dict[str, Words] = {}
        """By dtype: their addresses stand in what calls are given, so that a call keeps this object."""
        self._one_at_a_time = Lock()

    def of_program(self, source: str) -> SimpleNamespace:
        """native(name, *p): the kernel of that name in the source, bound to what it is given; shared: the same as
        shares, one a thread; chain: several as one; chains: such of shares; together: one list a thread."""
        found = {name: self.function(text) for name, text in kernel_texts(source).items()}

        def native(name: str, *given: Given) -> Step:
            return bound(found[name], [self.number(x) for x in given], (given, self))

        def shared(name: str, split: Split, *given: Given) -> list[Step]:
            cuts, count, moves = split
            calls: list[Step] = []
            for begin, end in pairwise(cuts):
                p = [self.number(x) for x in given]
                p[count] = end - begin
                for i, more in moves:
                    p[i] += begin * more
                calls.append(bound(found[name], p, (given, self)))
            return calls

        return SimpleNamespace(native=native, shared=shared, chain=self.chain, chains=self.chains,
                               together=self.together)  # fmt: skip

    def number(self, given: Given) -> int:
        """What stands in p: a size, the address of an array, or of what multiplies matrices of that dtype."""
        if isinstance(given, int):
            return given
        return (self.product(given) if isinstance(given, str) else given).ctypes.data

    def product(self, dtype: str) -> Words:
        """Where the kernel of products is, and BLAS: one array for all calls, whichever thread binds the first."""
        if dtype not in self._products:
            where = ctypes.cast(self.function(PRODUCT.format(dtype=dtype)), ctypes.c_void_p).value
            self._products.setdefault(dtype, np.array([where, product_address(dtype)], np.int64))
        return self._products[dtype]

    def chain(self, calls: Iterable[Sequence[Any]]) -> Step:
        """Calls of kernels, one after the other, as one call; each item has those of one position."""
        every = [call for each in calls for call in each]
        functions, given = called(every)
        return bound(
            self.function(CHAIN), [len(every), functions.ctypes.data, given.ctypes.data], (every, functions, given)
        )

    def chains(self, calls: Sequence[Sequence[Sequence[Step]]]) -> list[Step]:
        """For each thread the chain of its shares; each item has the shared calls of one position."""
        count = next((len(shares) for each in calls for shares in each), self._threads)
        return [self.chain([[shares[r] for shares in each] for each in calls]) for r in range(count)]

    def together(self, lists: Sequence[Sequence[Listed]]) -> Step:
        """Lists, one a thread, as one call."""
        team, progress = self.team(len(lists)), words(len(lists))
        every = [self.chain([[call for calls in each for call in calls]]) for each in self.in_turn(lists, progress)]
        return team.bound([address(call) for call in every], progress, every)

    def prepare(self) -> None:
        """What programs need beside kernels of their own."""
        for text in (CHAIN, WAIT, TELL):
            self.function(text)
        for dtype in ("f32", "f64"):
            self.product(dtype)
        self.team(self._threads)

    def team(self, threads: int) -> Team:
        if threads not in self._teams:
            self._teams[threads] = Team(threads, self.function(LEAD), self.function(FOLLOW), self.function(CHAIN))
        return self._teams[threads]

    def in_turn(self, lists: Sequence[Sequence[Listed]], progress: Words) -> list[list[list[Step]]]:
        """What each thread calls for each item of its list; it says how far it is where others wait for that."""
        way, waited = self.team(len(lists)).way, {item for each in lists for item in each if isinstance(item, tuple)}
        every: list[list[list[Step]]] = []
        for r, each in enumerate(lists):
            found: list[list[Step]] = []
            for done, item in enumerate(each, 1):
                if isinstance(item, tuple):
                    calls = [bound(self.function(WAIT), [progress[item[0]].ctypes.data, item[1], way], progress)]
                else:
                    calls = [item]
                if (r, done) in waited:
                    calls.append(bound(self.function(TELL), [progress[r].ctypes.data, done], progress))
                found.append(calls)
            every.append(found)
        return every

    def function(self, text: str) -> Function:
        with self._one_at_a_time:
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
