"""Runs a step position by position: the rows of a batch at once, each with what it has to remember."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Mapping
from dataclasses import dataclass
from math import prod

import numpy as np
from numpy.typing import NDArray

from compiler.ir.graph import Graph, Input
from compiler.ir.types import Type, bound_shape, size_bytes
from compiler.plan.plan import Plan
from runtime.backend import NUMPY_DTYPES, Array, Backend
from runtime.execute import Arena, Bucket, CompileBucket, Executor, Programs
from runtime.memory import require_memory

ROOM = 16
"""Positions that there is room for at first, where a step needs all so far; then twice as many, and so on."""
KEPT = 64
"""Sizes whose programs are kept."""


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
    """The state of the rows: what they remember, in arrays that each step overwrites. However many rows and positions
    there are, a name's array begins at the same place, so that a program stays bound for other batches of its sizes."""

    def __init__(
        self, backend: Backend, program: StepProgram, compile_bucket: CompileBucket, weights: Mapping[str, Array]
    ) -> None:
        self.backend, self.program = backend, program
        self._weights, self._types = weights, program.types()
        self._sources, self._arena = Programs(program.graph, compile_bucket), Arena(backend)
        self._memory: dict[str, Array] = {}
        self._executors: OrderedDict[Bucket, tuple[Executor, dict[str, Array]]] = OrderedDict()
        self.at = 0
        """Positions that have been read."""
        self._sizes: dict[str, int] = {}
        self._room: int = ROOM

    def another(self) -> Stepping:
        """For other rows, at the same time: of the same weights and sources."""
        made = Stepping(self.backend, self.program, self._compiled, self._weights)
        made._sources = self._sources
        return made

    def begin(self, first: Mapping[str, Array], sizes: Mapping[str, int]) -> None:
        """Nothing has been read. first: what is carried and kept, but for what grows; sizes: all but the positions."""
        self.at, self._sizes, self._room = 0, dict(sizes), ROOM
        self._write({name: self.backend.to_device(value) for name, value in first.items() if name in self._types})

    def run(self, feeds: Mapping[str, Array], sizes: Mapping[str, int] | None = None) -> dict[str, Array]:
        """What the next position gives. feeds: of it, and the inputs that are read in every step; sizes: of what is fed
        for this position alone, words that are spelled"""
        if self.program.grows and self.at == self._room:
            _, held = self._used()
            read = {name: held[name].copy() for name in self.program.grows}
            self._room *= 2
            self._write(read)
        self.at += 1
        executor, _ = self._used()
        rows = self._sizes["B"]
        counted = {f"lengths.{self.program.positions}": np.full(rows, self.at)} if self.program.counts else {}
        return executor.run({**feeds, **counted}, {**(sizes or {}), **self._all_sizes()})

    def follow(self, parents: NDArray[np.int64], since: NDArray[np.int64]) -> None:
        """Row i goes on from what row parents[i] remembers. There may be fewer than before, and never more.

        since: of each row up to which position, from 0 on, the two have read the same
        """
        _, held = self._used()
        if len(parents) < self._sizes["B"]:
            index = self.backend.to_device(parents)
            # All are read before one is written.
            read = {name: self._read(name, value)[index] for name, value in held.items()}
            self._sizes["B"] = len(parents)
            self._write(read)
            return
        moved = np.flatnonzero(parents != np.arange(len(parents)))
        whole = parents[moved], moved
        each = self._positions(*whole, since[moved])
        for name in self.program.carried:
            grows = name in self.program.grows
            array = held[name].reshape(-1, held[name].shape[2]) if grows else held[name]
            source, place = map(self.backend.to_device, each if grows else whole)
            array[place] = array[source]

    def _positions(
        self, parents: NDArray[np.int64], rows: NDArray[np.int64], since: NDArray[np.int64]
    ) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """Of [B, T] as one axis the places from `since` on that have been read, of the parents and of the rows."""
        counts = np.maximum(self.at - since, 0)
        position: NDArray[np.int64] = np.arange(int(counts.sum()))
        position = position + np.repeat(since - (np.cumsum(counts) - counts), counts)
        return np.repeat(parents, counts) * self._room + position, np.repeat(rows, counts) * self._room + position

    def _read(self, name: str, value: Array) -> Array:
        """The positions that have been read, of what has a row for each."""
        return value[:, : self.at] if name in self.program.grows else value

    def _write(self, values: Mapping[str, Array]) -> None:
        """To the arrays of the present sizes, from their beginning."""
        _, held = self._used()
        for name, value in values.items():
            held[name][tuple(slice(n) for n in value.shape)] = value

    def _all_sizes(self) -> dict[str, int]:
        return {**self._sizes, **({self.program.positions: self._room} if self.program.grows else {})}

    def _used(self) -> tuple[Executor, dict[str, Array]]:
        sizes = self._all_sizes()
        bucket = tuple(sorted(sizes.items()))
        if bucket not in self._executors:
            held = self._arrays(sizes)
            store = {**self._weights, **held}
            made = Executor(self.backend, self.program.graph, self._compiled, store, self._arena)
            self._executors[bucket] = made, held
            if len(self._executors) > KEPT:
                self._executors.popitem(last=False)
        self._executors.move_to_end(bucket)
        return self._executors[bucket]

    def _arrays(self, sizes: Mapping[str, int]) -> dict[str, Array]:
        """What is remembered at these sizes. Where there is too little room, programs are to be bound anew."""
        shapes = {name: bound_shape(type_, sizes) for name, type_ in self._types.items()}
        small = [n for n, shape in shapes.items() if n not in self._memory or self._memory[n].size < prod(shape)]
        if small:
            needed = sum(size_bytes(self._types[name], sizes) for name in small)
            require_memory(needed, self.backend.available_bytes(), "writing")
            self._executors.clear()
        for name in small:
            dtype = NUMPY_DTYPES[self._types[name].dtype]
            self._memory[name] = self.backend.to_device(np.zeros(prod(shapes[name]), dtype))
        return {name: self._memory[name][: prod(shape)].reshape(shape) for name, shape in shapes.items()}

    def _compiled(self, _: Graph, sizes: Mapping[str, int]) -> tuple[str, Plan]:
        return self._sources.of(sizes)
