"""Kernels with a clock between them, each thread's own: what `nnc profile --kernels fast` runs."""

from __future__ import annotations

import ctypes
import time
from collections.abc import Sequence
from types import SimpleNamespace
from typing import Any

import numpy as np

from runtime.backend import Backend
from runtime.native.backend import Functions, Listed, Step, address, backend_of, bound, called
from runtime.native.cache import user_cache
from runtime.native.team import words

TIMED_CHAIN = """\
def kernel(p):
    n, each, last = p[0], p[1], i64(p[6], 1)
    functions, given, numbers = i64(p[2], n), i64(p[3], n), i64(p[4], each)
    last_of_all = p[7]
    if last_of_all == 0:
        last[0] = clock(p[8], p[9], p[10])
    for i in range(n):
        call(functions[i], given[i])
        now = clock(p[8], p[9], p[10])
        spent = i64(p[5] + numbers[i % each] * 8, 1)
        spent[0] += now - last[0]
        last[0] = now
"""
"""A kernel that runs kernels, and adds up what each took: the time since the one before ended, in this chain or in one
that is a kernel of it."""

Numbers = Sequence[int]


class ThreadClocks:
    """Nanoseconds of each piece of one step, for each thread."""

    def __init__(self, threads: int, pieces: int) -> None:
        """Raises OSError where the system has no clock that kernels can read."""
        read = getattr(ctypes.CDLL(None), "clock_gettime", None)
        if read is None:
            raise OSError("there is no clock_gettime")
        self.threads = threads
        self._read = ctypes.cast(read, ctypes.c_void_p).value or 0
        self._spent = np.zeros((threads, pieces), np.int64)
        self._last = words(threads)

    def begin(self) -> None:
        self._spent[...] = 0
        self._last[0, 0] = time.clock_gettime_ns(time.CLOCK_MONOTONIC)

    def lap(self, piece: int) -> None:
        """What Python's own thread did since its last piece was done."""
        now = time.clock_gettime_ns(time.CLOCK_MONOTONIC)
        self._spent[0, piece] += now - self._last[0, 0]
        self._last[0, 0] = now

    def spent(self) -> list[list[int]]:
        return self._spent.tolist()

    def numbers(self, r: int, inner: bool) -> list[int]:
        """Of TIMED_CHAIN's p, from the fifth on. inner: whether the chain is a kernel of another one"""
        last = self._last[r].ctypes.data
        return [self._spent[r].ctypes.data, last, int(inner), self._read, time.CLOCK_MONOTONIC, last + 16]


class TimedFunctions:
    def __init__(self, functions: Functions, clocks: ThreadClocks) -> None:
        self._functions, self._clocks = functions, clocks

    def of_program(self, source: str) -> SimpleNamespace:
        """As `Functions.of_program`, with numbers of pieces: timed(calls, numbers), timed_loop(calls, numbers, shared),
        a call for each thread, timed_together(lists, numbers), and lap(number)."""
        plain = self._functions.of_program(source)
        return SimpleNamespace(**vars(plain), timed=self.timed, timed_loop=self.timed_loop,
                               timed_together=self.timed_together, lap=self._clocks.lap)  # fmt: skip

    def timed(self, calls: Sequence[Step], numbers: Numbers) -> Step:
        return self._chain(calls, numbers, 0, inner=False)

    def timed_loop(self, calls: Sequence[Sequence[Any]], numbers: Numbers, shared: bool) -> list[Step]:
        """Each item of calls has those of one position. shared: whether each is a share for every thread"""
        every = [call for each in calls for call in each]
        return [
            self._chain([call[r] for call in every] if shared else every, numbers, r, inner=True)
            for r in range(self._clocks.threads)
        ]

    def timed_together(self, lists: Sequence[Sequence[Listed]], numbers: Sequence[Numbers]) -> Step:
        count = self._clocks.threads
        team, progress = self._functions.team(count), words(count)
        every: list[Step] = []
        for r, (items, of) in enumerate(zip(self._functions.in_turn(lists, progress), numbers, strict=True)):
            calls = [call for each in items for call in each]
            pieces = [number for each, number in zip(items, of, strict=True) for _ in each]
            every.append(self._functions.chain([[self._chain(calls, pieces, r, inner=False)]]))
        return team.bound([address(call) for call in every], progress, every)

    def _chain(self, calls: Sequence[Step], numbers: Numbers, r: int, *, inner: bool) -> Step:
        functions, given = called(calls)
        of = np.array(numbers, np.int64)
        p = [len(calls), max(len(of), 1), functions.ctypes.data, given.ctypes.data, of.ctypes.data]
        kept = (calls, functions, given, of, self._clocks)
        return bound(self._functions.function(TIMED_CHAIN), [*p, *self._clocks.numbers(r, inner)], kept)


def timed_backends(threads: int, pieces: int) -> tuple[Backend, Backend, ThreadClocks]:
    """What computes without a clock and with one, by the same threads. Raises OSError as ThreadClocks."""
    functions, clocks = Functions(user_cache(), threads), ThreadClocks(threads, pieces)
    timed = TimedFunctions(functions, clocks)
    return backend_of(functions.of_program, threads), backend_of(timed.of_program, threads), clocks
