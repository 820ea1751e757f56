"""Steps of a run whose large tables of words are moved row by row: what a row missed is made up for when it is read."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from math import log

import numpy as np

from compiler.experiment import Deferred, TrainingStep
from runtime.backend import Array, Backend
from runtime.execute import Arena, CompileBucket, Executor
from runtime.native.settling import settler

PART = 1 << 14
"""Numbers of a table that are made up for at a time: what stays in a cache."""
NOTHING = 1e-30
"""A share of what was missed that is left out, and of a mean that is 0: below it numbers get slow."""


class Stepper(Executor):
    """Runs a training step; between two of them rows of deferred tables may be behind."""

    def __init__(
        self,
        backend: Backend,
        step: TrainingStep,
        compile_bucket: CompileBucket,
        store: Mapping[str, Array],
        arena: Arena | None = None,
    ) -> None:
        super().__init__(backend, step.graph, compile_bucket, store, arena)
        self._tables = [_Table(each, store, backend) for each in step.deferred]

    def run(self, feeds: Mapping[str, Array], sizes: Mapping[str, int]) -> dict[str, Array]:
        """One step, as Executor.run."""
        self.prepare(feeds)
        results = super().run(feeds, sizes)
        step = int(feeds["step"]) if self._tables else 0
        for table in self._tables:
            table.stepped(step, float(feeds["lr"]))
        return results

    def prepare(self, feeds: Mapping[str, Array]) -> None:
        """Brings the rows that the step of these feeds reads up to date with the step before."""
        for table in self._tables:
            table.bring_up(np.asarray(feeds[table.of.ids]), int(feeds["step"]) - 1)

    def settle(self, step: int) -> None:
        """Brings every row of every table up to date with that step, the last one that was made."""
        for table in self._tables:
            table.bring_up(None, step)


class _Table:
    """A deferred table in the store, under Adam.

    At step j, i steps after its last own one, a row with means m and v moves by
    lr_j b1^i m / (1 - b1^j) / (sqrt(v) b2^(i/2) / root_j + eps), root_j = sqrt(1 - b2^j), which is
    a_i m / (sqrt(v) + eps e_i) with e_i = root_j / b2^(i/2) and a_i = lr_j b1^i e_i / (1 - b1^j).
    `rates` holds the sums of a_i and of a_i e_i. For the sum over i stands A m / (sqrt(v) + eps E), with A the first
    sum and A E the second: exact where eps is small beside sqrt(v) or e_i changes little while a_i fades.
    """

    def __init__(self, of: Deferred, store: Mapping[str, Array], backend: Backend) -> None:
        self.of, self.store, self.backend = of, store, backend
        first, second = of.betas
        fades = first / second**0.5
        count = min(of.window + 1, int(log(NOTHING) / log(fades)) + 1) if first else 0
        # Of i = 0, 1, ...: what a_i and e_i have of it.
        self.fading = fades ** np.arange(count)
        self.rising = second ** (-0.5 * np.arange(count))
        left = np.array(of.betas)[:, None] ** np.arange(of.window + 1.0)
        self.left = np.where(left < NOTHING, 0.0, left)
        self.settle: Callable[[Array | None, int], None] | None = None

    def stepped(self, step: int, rate: float) -> None:
        """A row that is up to date with a step before has missed this one too."""
        rates, base = self.store[self.of.rates], self._base(step)
        start = max(base, step - len(self.fading) + 1)
        i = step - np.arange(start, step)
        first, second = self.of.betas
        root = (1 - second**step) ** 0.5
        a = rate * root / (1 - first**step) * self.fading[i]
        missed = np.stack([a, a * root * self.rising[i]])
        rates[:, start - base : step - base] += self.backend.to_device(missed)
        if step % self.of.window == 0:
            self.bring_up(None, step)
        rates[:, step % self.of.window] = 0

    def bring_up(self, ids: Array | None, step: int) -> None:
        """ids: of the rows, 0 and one id twice among them; None for all. step: with which they are up to date then"""
        native = self.backend.native
        if native is not None:
            self.settle = self.settle or settler(native, self.of, self.store, self.left)
            self.settle(ids, step)
            return
        moved = self.store[self.of.moved]
        rows = len(moved)
        named = np.ones(rows, bool) if ids is None else np.zeros(rows, bool)
        if ids is not None:
            named[ids.reshape(-1)] = True
        named[0] = False
        found = self.backend.to_device(np.flatnonzero(named))
        since = moved[found]
        # A row that never moved has no means that could move it.
        behind = found[(since > 0) & (since < step)]
        part = max(1, PART // self.store[self.of.weight].shape[1])
        for start in range(0, len(behind), part):
            self._bring_up(behind[start : start + part], step)

    def _bring_up(self, rows: Array, step: int) -> None:
        xp = self.backend.xp
        weight, mean, square, moved, rates = (
            self.store[name] for name in (self.of.weight, self.of.mean, self.of.square, self.of.moved, self.of.rates)
        )
        dtype, since = weight.dtype, moved[rows]
        a, ae = rates[:, since - self._base(step)]
        m, v = mean[rows], square[rows]
        away = xp.sqrt(v)
        away += (self.of.eps * xp.where(a > 0, ae / xp.where(a > 0, a, 1.0), 1.0)).astype(dtype)[:, None]
        xp.divide(m, away, out=away)
        away *= a.astype(dtype)[:, None]
        weight[rows] -= away
        for table, values, left in zip((mean, square), (m, v), self.backend.to_device(self.left), strict=True):
            values *= left[step - since].astype(dtype)[:, None]
            table[rows] = values
        moved[rows] = step

    def _base(self, step: int) -> int:
        """The step at which all rows were brought up to date before this one: a multiple of the window."""
        return (step - 1) // self.of.window * self.of.window
