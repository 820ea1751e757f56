"""Runs plans: one arena for all of them, a program bound once for each bucket of sizes."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Mapping
from copy import copy
from dataclasses import dataclass
from functools import lru_cache
from math import prod
from threading import Lock
from types import CodeType
from typing import TypeAlias

import numpy as np

from compiler.ir.graph import Graph
from compiler.plan.plan import Place, Plan, RowsPlace
from dsl.errors import InternalError
from runtime.backend import NUMPY_DTYPES, Array, Backend, Rows, Value

CompileBucket: TypeAlias = Callable[[Graph, Mapping[str, int]], tuple[str, Plan]]
"""The source of a graph's program for given sizes, and its plan."""

Bucket: TypeAlias = tuple[tuple[str, int], ...]

KEPT = 128
"""Programs that stay bound. A program is small: views and code; the arrays are the arena's. A tagger with spelled words
has a hundred kinds of batches."""


class Arena:
    """Memory that programs share, one after the other: it grows to what the largest of them needs."""

    def __init__(self, backend: Backend) -> None:
        self._backend = backend
        self._memory: Array = backend.empty(0)
        self.grown = 0
        """How often it was exchanged for a larger one: views of an older one are of no use."""

    @property
    def bytes(self) -> int:
        return self._memory.nbytes

    def reserve(self, size: int) -> None:
        if size > self.bytes:
            # The old one goes first, so that never both are there.
            self._memory = None
            self._memory = self._backend.empty(size)
            self.grown += 1

    def at(self, offset: int, shape: tuple[int, ...], dtype: type) -> Array:
        size = prod(shape) * np.dtype(dtype).itemsize
        return self._memory[offset : offset + size].view(dtype).reshape(shape)


@dataclass(frozen=True)
class _Program:
    step: Callable[[], None]
    inputs: Mapping[str, Array]
    outputs: Mapping[str, Value]
    grown: int


@lru_cache(KEPT)
def _code(source: str) -> CodeType:
    """Of `bind`. The source was written by compiler.emit from a plan; of the spec it has comments only. Kernels stand
    before `bind`, and are compiled by the backend."""
    return compile(source[source.index("def bind(") :], "<step>", "exec")


class Programs:
    """What a graph's programs are, for each bucket made once, however many ask at the same time."""

    def __init__(self, graph: Graph, compile_bucket: CompileBucket) -> None:
        self.graph = graph
        self._compile = compile_bucket
        self._lock = Lock()
        self._made: OrderedDict[Bucket, tuple[str, Plan]] = OrderedDict()

    def of(self, sizes: Mapping[str, int]) -> tuple[str, Plan]:
        """The source, and its plan."""
        bucket = tuple(sorted(sizes.items()))
        with self._lock:
            if bucket not in self._made:
                self._made[bucket] = self._compile(self.graph, sizes)
                if len(self._made) > KEPT:
                    self._made.popitem(last=False)
            self._made.move_to_end(bucket)
            return self._made[bucket]


class Executor:
    """A graph with its weights and states, to be run at any sizes.

    store: every weight and state by name, each of its type, without gaps; steps write to these arrays. Executors may
    share them, and an arena too, if they run one after the other.
    """

    def __init__(
        self,
        backend: Backend,
        graph: Graph,
        compile_bucket: CompileBucket,
        store: Mapping[str, Array],
        arena: Arena | None = None,
    ) -> None:
        self.backend = backend
        self.graph = graph
        self._sources = Programs(graph, compile_bucket)
        self._store = store
        self._arena = Arena(backend) if arena is None else arena
        self._programs: OrderedDict[Bucket, _Program] = OrderedDict()

    def another(self) -> Executor:
        """To be run beside this one: of the same store and sources, with an arena of its own."""
        made = copy(self)
        made._arena, made._programs = Arena(self.backend), OrderedDict()
        return made

    def plan(self, sizes: Mapping[str, int]) -> Plan:
        """What a run at these sizes does and how much memory it takes; nothing is allocated."""
        return self._sources.of(sizes)[1]

    def arena_bytes(self, sizes: Mapping[str, int]) -> int:
        return self.plan(sizes).arena_bytes

    def reserve(self, size: int) -> None:
        """Makes the arena so large, so that no later bucket has to."""
        self._arena.reserve(size)

    def run(self, feeds: Mapping[str, Array], sizes: Mapping[str, int]) -> dict[str, Array]:
        """One step: the outputs by name, on the host, valid until the next run. Updates are in the store."""
        program = self._program(sizes)
        for name, staged in program.inputs.items():
            given = self.backend.to_device(feeds[name])
            if given.shape != staged.shape:
                raise InternalError(f"{name} is fed as {given.shape}, and is {staged.shape}")
            staged[...] = given
        with self.backend.quiet():
            program.step()
        return {name: self._on_host(name, value, sizes) for name, value in program.outputs.items()}

    def _program(self, sizes: Mapping[str, int]) -> _Program:
        bucket = tuple(sorted(sizes.items()))
        program = self._programs.get(bucket)
        if program is None or program.grown != self._arena.grown:
            source, plan = self._sources.of(sizes)
            if plan.arena_bytes > self._arena.bytes:
                # Their views would keep the old arena beside the new one.
                self._programs.clear()
            self._arena.reserve(plan.arena_bytes)
            program = self._programs[bucket] = self._bind(source, plan)
            if len(self._programs) > KEPT:
                self._programs.popitem(last=False)
        self._programs.move_to_end(bucket)
        return program

    def _bind(self, source: str, plan: Plan) -> _Program:
        weights = [self._stored(name, place) for name, place in plan.store]
        space: dict[str, Callable[..., tuple[Callable[[], None], tuple[Array, ...], tuple[Value, ...]]]] = {}
        exec(_code(source), {}, space)
        backend = self.backend
        kernels = backend.kernels if backend.native is None else backend.native(source)
        step, inputs, outputs = space["bind"](backend.xp, kernels, self._arena.at, weights)
        return _Program(
            step,
            dict(zip((name for name, _ in plan.inputs), inputs, strict=True)),
            dict(zip((name for name, _ in plan.outputs), outputs, strict=True)),
            self._arena.grown,
        )

    def _stored(self, name: str, place: Place) -> Array:
        array = self._store[name]
        if array.shape != place.shape or array.dtype != NUMPY_DTYPES[place.dtype] or not array.flags.c_contiguous:
            raise InternalError(f"{name} is {array.dtype}{array.shape}, and must be {place.dtype}{place.shape}")
        return array

    def _on_host(self, name: str, value: Value, sizes: Mapping[str, int]) -> Array:
        if not isinstance(value, Rows):
            return self.backend.to_host(value)
        where = dict(self.plan(sizes).outputs)[name]
        assert isinstance(where, RowsPlace)
        table = self.backend.xp.zeros((where.rows, *value.values.shape[1:]), value.values.dtype)
        self.backend.kernels.dense(self.backend.xp, table, value)
        return self.backend.to_host(table)
