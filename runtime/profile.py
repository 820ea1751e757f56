"""Where the time of a training step goes: the same steps with a clock in the program and without, in turns."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from time import perf_counter, perf_counter_ns
from types import SimpleNamespace
from typing import Protocol

import numpy as np

from compiler.experiment import TrainingStep
from compiler.plan.plan import Plan
from runtime.backend import Array, Backend
from runtime.deferred import Stepper
from runtime.execute import Arena

WARM = 3
LEAST = 5
"""Steps with the clock at least, however long one takes."""
MOST = 2000
PRODUCT, COPIED = 1024, 2**24
"""Width of the square product, and numbers that are copied, by which a machine's peaks are measured."""
TRIES = 5

Feeds = Mapping[str, Array]


@dataclass(frozen=True)
class Peaks:
    """What this machine reaches: of a large product of float32 in FLOP/s, of copying memory in bytes/s, both ways."""

    flops: float
    bytes: float

    def least_seconds(self, flops: float, moved: float) -> float:
        """The roofline: no faster than either allows."""
        return max(flops / self.flops, moved / self.bytes)


@dataclass(frozen=True)
class Profile:
    """Seconds a step, the mean of the faster half of the steps.

    pieces: of each piece of the timed program, by its number, the mean of all threads; after: what is not of them
    plain: of a whole step of the program without a clock; threads: the pieces of each thread
    """

    pieces: tuple[float, ...]
    after: float
    plain: float
    steps: int
    threads: tuple[tuple[float, ...], ...]

    @property
    def total(self) -> float:
        """Of a whole step with the clock."""
        return sum(self.pieces) + self.after


class Clock(Protocol):
    """Nanoseconds of each piece of one step, for each thread."""

    def begin(self) -> None: ...

    def lap(self, piece: int) -> None: ...

    def spent(self) -> list[list[int]]: ...


class OneClock:
    """Where one thread does all that is timed."""

    def __init__(self, pieces: int) -> None:
        self._spent = [0] * pieces
        self._last = 0

    def begin(self) -> None:
        self._spent = [0] * len(self._spent)
        self._last = perf_counter_ns()

    def lap(self, piece: int) -> None:
        now = perf_counter_ns()
        self._spent[piece] += now - self._last
        self._last = now

    def spent(self) -> list[list[int]]:
        return [self._spent]


def clocked(backend: Backend, pieces: int) -> tuple[Backend, Backend, Clock]:
    """What computes without a clock and with one."""
    clock = OneClock(pieces)
    return backend, replace(backend, kernels=SimpleNamespace(**vars(backend.kernels), lap=clock.lap)), clock


def measured_peaks() -> Peaks:
    """A quarter of a second; the best of some tries each."""
    x = np.full((PRODUCT, PRODUCT), 0.5, np.float32)
    out, source = np.empty_like(x), np.ones(COPIED, np.float32)
    target = np.empty_like(source)
    product = min(_seconds(lambda: np.matmul(x, x, out=out)) for _ in range(TRIES))
    copy = min(_seconds(lambda: np.copyto(target, source)) for _ in range(TRIES))
    return Peaks(2 * PRODUCT**3 / product, 2 * source.nbytes / copy)


def higher(a: Peaks, b: Peaks) -> Peaks:
    return Peaks(max(a.flops, b.flops), max(a.bytes, b.bytes))


def _seconds(work: Callable[[], object]) -> float:
    start = perf_counter()
    work()
    return perf_counter() - start


def profile(
    clocks: tuple[Backend, Backend, Clock],
    training: TrainingStep,
    sources: tuple[str, str],
    plan: Plan,
    store: Mapping[str, Array],
    feeds: Callable[[int], Feeds],
    sizes: Mapping[str, int],
    seconds: float,
) -> Profile:
    """Runs training steps for so long, or MOST of them; store is written to, nothing else is.

    clocks: as from `clocked`; sources: the plan's program, and the one with a clock; feeds: of a step, counted from 1
    """
    backend, timing, clock = clocks
    arena = Arena(backend)
    plain, timed = sources
    with_clock = Stepper(timing, training, lambda *_: (timed, plan), store, arena)
    without = Stepper(backend, training, lambda *_: (plain, plan), store, arena)
    arena.reserve(plan.arena_bytes)
    spent: list[tuple[float, list[list[int]]]] = []
    plain_seconds: list[float] = []
    step, end = 0, perf_counter()
    while len(spent) < LEAST or (perf_counter() < end and len(spent) < MOST):
        step += 2
        given = feeds(step - 1), feeds(step)
        clock.begin()
        took = _seconds(lambda now=given[0]: with_clock.run(now, sizes)), clock.spent()
        took_plain = _seconds(lambda now=given[1]: without.run(now, sizes))
        if step > 2 * WARM:
            spent.append(took)
            plain_seconds.append(took_plain)
        else:
            end = perf_counter() + seconds
    fastest = sorted(spent, key=lambda each: each[0])[: (len(spent) + 1) // 2]
    threads = tuple(
        tuple(_mean(of) / 1e9 for of in zip(*each, strict=True))
        for each in zip(*(pieces for _, pieces in fastest), strict=True)
    )
    each = tuple(_mean(of) for of in zip(*threads, strict=True))
    plain_fastest = sorted(plain_seconds)[: len(fastest)]
    after = _mean([total for total, _ in fastest]) - sum(each)
    return Profile(each, after, _mean(plain_fastest), len(spent), threads)


def _mean(values: Sequence[float]) -> float:
    return sum(values) / len(values)
