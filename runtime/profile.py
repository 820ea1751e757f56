"""Where the time of a training step goes: the same steps with a clock in the program and without, in turns."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from time import perf_counter, perf_counter_ns
from types import SimpleNamespace

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

    pieces: of each piece of the timed program, by its number; after: from the last piece until the loss is read
    plain: of a whole step of the program without a clock
    """

    pieces: tuple[float, ...]
    after: float
    plain: float
    steps: int

    @property
    def total(self) -> float:
        """Of a whole step with the clock."""
        return sum(self.pieces) + self.after


class Clock:
    """Nanoseconds of each piece of one step."""

    def __init__(self) -> None:
        self.spent: list[int] = []
        self.last = 0

    def begin(self, count: int) -> None:
        self.spent = [0] * count
        self.last = perf_counter_ns()

    def lap(self, piece: int) -> None:
        now = perf_counter_ns()
        self.spent[piece] += now - self.last
        self.last = now


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
    backend: Backend,
    training: TrainingStep,
    sources: tuple[str, str],
    plan: Plan,
    pieces: int,
    store: Mapping[str, Array],
    feeds: Callable[[int], Feeds],
    sizes: Mapping[str, int],
    seconds: float,
) -> Profile:
    """Runs training steps for so long, or MOST of them; store is written to, nothing else is.

    sources: the plan's program, and the one with a clock, which has so many pieces; feeds: of a step, counted from 1
    """
    clock, arena = Clock(), Arena(backend)
    kernels = SimpleNamespace(**vars(backend.kernels), lap=clock.lap)
    plain, timed = sources
    with_clock = Stepper(replace(backend, kernels=kernels), training, lambda *_: (timed, plan), store, arena)
    without = Stepper(backend, training, lambda *_: (plain, plan), store, arena)
    arena.reserve(plan.arena_bytes)
    spent: list[list[int]] = []
    plain_seconds: list[float] = []
    step, end = 0, perf_counter()
    while len(spent) < LEAST or (perf_counter() < end and len(spent) < MOST):
        step += 2
        given = feeds(step - 1), feeds(step)
        clock.begin(pieces)
        with_clock.run(given[0], sizes)
        clock.spent.append(perf_counter_ns() - clock.last)
        took = _seconds(lambda now=given[1]: without.run(now, sizes))
        if step > 2 * WARM:
            spent.append(clock.spent)
            plain_seconds.append(took)
        else:
            end = perf_counter() + seconds
    fastest = sorted(spent, key=sum)[: (len(spent) + 1) // 2]
    each = [_mean(of) / 1e9 for of in zip(*fastest, strict=True)]
    plain_fastest = sorted(plain_seconds)[: len(fastest)]
    return Profile(tuple(each[:-1]), each[-1], _mean(plain_fastest), len(spent))


def _mean(values: Sequence[float]) -> float:
    return sum(values) / len(values)
