"""Runs a step position by position: the rows of a batch at once, each with what it has to remember."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from compiler.ir.graph import Graph, Input
from compiler.ir.types import Type, bound_shape, size_bytes
from compiler.plan.plan import Plan
from runtime.backend import NUMPY_DTYPES, Array, Backend
from runtime.execute import Bucket, CompileBucket, Executor
from runtime.memory import require_memory

ROOM = 16
"""Positions that there is room for at first, where a step needs all so far; then twice as many, and so on."""
KEPT = 3
"""Sizes whose arrays are kept."""
KEPT_PROGRAMS = 64


@dataclass(frozen=True)
class StepProgram:
    """The step of one text, as it is run.

    carried: what a step leaves for the next one; grows: those of these that have a row for each position, [B, T, D];
    kept: what is the same in all steps
    positions: the symbol of the text's positions; counts: a step is fed which one it is at, as their lengths
    """

    graph: Graph
    carried: tuple[str, ...]
    grows: tuple[str, ...]
    kept: tuple[str, ...]
    positions: str
    counts: bool

    def types(self) -> dict[str, Type]:
        """Of what the steps remember."""
        named = {n.op.name: n.type for n in self.graph.inputs if isinstance(n.op, Input)}
        return {name: named[name] for name in (*self.carried, *self.kept) if name in named}


class Stepping:
    """The state of the rows: what they remember, in arrays that each step overwrites."""

    def __init__(
        self, backend: Backend, program: StepProgram, compile_bucket: CompileBucket, weights: Mapping[str, Array]
    ) -> None:
        self.backend, self.program = backend, program
        self._weights, self._types = weights, program.types()
        self._compile = compile_bucket
        self._sources: OrderedDict[Bucket, tuple[str, Plan]] = OrderedDict()
        self._executors: OrderedDict[Bucket, tuple[Executor, dict[str, Array]]] = OrderedDict()
        self.at = 0
        """Positions that have been read."""
        self._sizes: dict[str, int] = {}
        self._room = ROOM

    def begin(self, first: Mapping[str, Array], sizes: Mapping[str, int]) -> None:
        """Nothing has been read. first: what is carried and kept, but for what grows; sizes: all but the positions."""
        self.at, self._sizes, self._room = 0, dict(sizes), ROOM
        _, held = self._used()
        for name, value in first.items():
            if name in held:
                held[name][...] = self.backend.to_device(value)

    def run(self, feeds: Mapping[str, Array], sizes: Mapping[str, int] | None = None) -> dict[str, Array]:
        """What the next position gives. feeds: of it, and the inputs that are read in every step; sizes: of what is fed
        for this position alone, words that are spelled"""
        self.at += 1
        if self.program.grows and self.at > self._room:
            _, before = self._used()
            self._room *= 2
            _, held = self._used()
            for name, value in before.items():
                held[name][tuple(slice(n) for n in value.shape)] = value
        executor, held = self._used()
        rows = self._sizes["B"]
        counted = {f"lengths.{self.program.positions}": np.full(rows, self.at)} if self.program.counts else {}
        return executor.run({**feeds, **counted}, {**(sizes or {}), **self._all_sizes()})

    def follow(self, parents: NDArray[np.int64]) -> None:
        """Row i goes on from what row parents[i] remembers. There may be fewer than before, and never more."""
        _, held = self._used()
        index = self.backend.to_device(parents)
        if len(parents) < self._sizes["B"]:
            before, self._sizes["B"] = held, len(parents)
            _, held = self._used()
            for name, value in before.items():
                held[name][...] = value[index]
            return
        for name in self.program.carried:
            array = held[name][:, : self.at] if name in self.program.grows else held[name]
            array[...] = array[index]

    def _all_sizes(self) -> dict[str, int]:
        return {**self._sizes, **({self.program.positions: self._room} if self.program.grows else {})}

    def _used(self) -> tuple[Executor, dict[str, Array]]:
        sizes = self._all_sizes()
        bucket = tuple(sorted(sizes.items()))
        if bucket not in self._executors:
            while len(self._executors) >= KEPT:
                self._executors.popitem(last=False)
            require_memory(
                sum(size_bytes(t, sizes) for t in self._types.values()), self.backend.available_bytes(), "writing"
            )
            held = {
                name: self.backend.to_device(np.zeros(bound_shape(t, sizes), NUMPY_DTYPES[t.dtype]))
                for name, t in self._types.items()
            }
            store = {**self._weights, **held}
            self._executors[bucket] = Executor(self.backend, self.program.graph, self._compiled, store), held
        self._executors.move_to_end(bucket)
        return self._executors[bucket]

    def _compiled(self, graph: Graph, sizes: Mapping[str, int]) -> tuple[str, Plan]:
        """Executors of the same sizes come and go; their programs stay."""
        bucket = tuple(sorted(sizes.items()))
        if bucket not in self._sources:
            self._sources[bucket] = self._compile(graph, sizes)
            if len(self._sources) > KEPT_PROGRAMS:
                self._sources.popitem(last=False)
        return self._sources[bucket]
