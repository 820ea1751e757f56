"""Threads that work at one step together: each does its list of kernels, and waits where it needs what another wrote.

The first of them is whoever calls. The others wait in machine code for the next step; after about a millisecond without
one they sleep, and are woken. They are daemons that hold no lock of Python's while they compute.
"""

from __future__ import annotations

import ctypes
import os
import signal
import threading
import weakref
from collections.abc import Callable, Sequence
from queue import SimpleQueue
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from runtime.native.blas import thread_addresses
from runtime.native.loading import Function

LINE = 64
"""Bytes of a line of the cache: a word that one thread writes has one of its own."""

ASLEEP, READY, HELD, GO, STOP = range(5)
"""What a worker's gate says: it sleeps in Python; it waits for work; it is wanted; it works; it shall end."""

LEAD = f"""\
def kernel(p):
    status, patience, workers, gates, progress, way = p[0], p[1], p[2], p[3], p[4], p[5]
    held = 0
    looks = 0
    while held < workers:
        if swap_if(gates + held * {LINE}, {READY}, {HELD}):
            held += 1
        elif looks < patience:
            looks += 1
            rest(looks, way)
        else:
            break
    if held < workers:
        for r in range(held):
            store(gates + r * {LINE}, {READY})
        store(status, 1)
        return
    threads = 0
    if p[7] != 0:
        threads = ask(p[6])
        tell(p[7], 1)
    for r in range(workers + 1):
        store(progress + r * {LINE}, 0)
    for r in range(workers):
        store(gates + r * {LINE} + 8, p[10 + r])
        store(gates + r * {LINE}, {GO})
    call(p[8], p[9])
    for r in range(workers):
        looks = 0
        while load(gates + r * {LINE}) == {GO}:
            looks += 1
            rest(looks, way)
    if p[7] != 0:
        tell(p[7], threads)
    store(status, 0)
"""
"""Wakes the others, does what is its own, waits for them. Products take one thread meanwhile."""

FOLLOW = f"""\
def kernel(p):
    gate, chain, way, budget = p[0], p[1], p[2], p[3]
    if not swap_if(gate, {ASLEEP}, {READY}):
        return
    looks = 0
    while True:
        said = load(gate)
        if said == {GO}:
            call(chain, load(gate + 8))
            swap_if(gate, {GO}, {READY})
            looks = 0
        elif said == {STOP}:
            return
        else:
            looks += 1
            if looks > budget and swap_if(gate, {READY}, {ASLEEP}):
                return
            rest(looks, way)
"""
"""Works whenever it is told to, until nobody has told it anything for so many looks."""

WAIT = """\
def kernel(p):
    looks = 0
    while load(p[0]) < p[1]:
        looks += 1
        rest(looks, p[2])
"""
TELL = """\
def kernel(p):
    store(p[0], p[1])
"""

BUDGET, PATIENCE = 8000, 20000
"""Looks: of a worker before it sleeps; at a worker that was woken before it is called again."""

Words: TypeAlias = NDArray[np.int64]


def words(count: int) -> Words:
    """So many, each at the beginning of a line of the cache: [count, 8]."""
    room = np.zeros((count + 1) * LINE // 8, np.int64)
    start = -room.ctypes.data % LINE // 8
    return room[start : start + count * LINE // 8].reshape(count, LINE // 8)


class Team:
    """threads: that compute, with the one that calls; chain: a kernel that runs kernels"""

    def __init__(self, threads: int, lead: Function, follow: Function, chain: Function) -> None:
        self.threads = threads
        self.way = _address(getattr(ctypes.CDLL(None), "sched_yield", None))
        self._lead, self._follow, self._chain = lead, follow, chain
        self._alone()

    def bound(self, chains: Sequence[int], progress: Words, kept: object) -> Callable[[], None]:
        """A call that runs a chain a thread, each given by the address of its p; progress: a word for each."""
        status, (get, put) = np.zeros(1, np.int64), thread_addresses()
        numbers = [
            status.ctypes.data,
            0,
            self.threads - 1,
            0,
            progress.ctypes.data,
            self.way,
            get,
            put,
            _address(self._chain),
        ]
        p: Words = np.array([*numbers, *chains], np.int64)
        holds = (kept, progress)

        def run(holds: object = holds) -> None:
            if self._process != os.getpid():
                self._alone()
            with self._lock:
                if not self._workers:
                    self._start()
                p[1], p[3] = 0, self._gates.ctypes.data
                self._lead(p.ctypes.data)
                while status[0]:
                    self._wake()
                    p[1] = PATIENCE
                    self._lead(p.ctypes.data)

        return run

    def _alone(self) -> None:
        """As it is before the first call, and in a child of fork, which has none of its parent's threads."""
        self._process = os.getpid()
        self._lock = threading.Lock()
        self._workers: list[threading.Thread] = []
        self._gates = words(self.threads - 1)
        self._bells: list[SimpleQueue[bool]] = [SimpleQueue() for _ in range(self.threads - 1)]

    def _start(self) -> None:
        given = [
            np.array([gate.ctypes.data, _address(self._chain), self.way, BUDGET], np.int64) for gate in self._gates
        ]
        workers = [
            threading.Thread(
                target=_work, args=(self._follow, (p, self._chain), gate, bell), daemon=True, name="nnc kernels"
            )
            for p, gate, bell in zip(given, self._gates, self._bells, strict=True)
        ]
        weakref.finalize(self, _end, workers, self._gates, self._bells)
        for worker in workers:
            worker.start()
        self._workers = workers

    def _wake(self) -> None:
        """A bell too many does no harm: whoever hears it finds no work, and sleeps again."""
        for gate, bell in zip(self._gates, self._bells, strict=True):
            if gate[0] == ASLEEP:
                bell.put(True)


def _work(follow: Function, given: tuple[Words, Function], gate: Words, bell: SimpleQueue[bool]) -> None:
    """A worker's life. It holds no team, which ends when nobody else does."""
    if hasattr(signal, "pthread_sigmask"):
        # Ctrl-C is for the thread that runs the program.
        signal.pthread_sigmask(signal.SIG_BLOCK, signal.valid_signals())
    while bell.get() and gate[0] != STOP:
        follow(given[0].ctypes.data)


def _end(workers: list[threading.Thread], gates: Words, bells: list[SimpleQueue[bool]]) -> None:
    """Of the team, or of the process: no machine code may run once its memory is given back."""
    for gate, bell in zip(gates, bells, strict=True):
        gate[0] = STOP
        bell.put(False)
    for worker in workers:
        if worker.is_alive() and worker is not threading.current_thread():
            worker.join(1.0)


def _address(function: Any) -> int:
    return 0 if function is None else ctypes.cast(function, ctypes.c_void_p).value or 0
