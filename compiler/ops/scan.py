"""Recurrence: one op that runs a graph once for each position, and what reads its results."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property

from compiler.ir.graph import Graph, Input, Node, Op, structure
from compiler.ir.types import Dim, Type, TypeRuleError, is_ragged, is_rows, rows_of, value_of
from compiler.ops.elementwise import Constant, Elementwise
from compiler.ops.fused import Fused
from compiler.ops.sequence import one_each


@dataclass(frozen=True, eq=False)
class Body:
    """A graph as an attribute of an op: equal to another of the same structure."""

    graph: Graph

    @cached_property
    def structure(self) -> tuple[object, ...]:
        return structure(self.graph)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Body) and (self.graph is other.graph or self.structure == other.structure)

    def __hash__(self) -> int:
        return hash(self.structure)

    def __str__(self) -> str:
        return f"{len(self.graph.nodes())} nodes"


@dataclass(frozen=True)
class Scan(Op):
    """The body once for each position, in order; reverse: from the last position to the first.

    body: states [B, *R], one position of each sequence [B, *R], constants -> next states, values of the step
    inputs: first states, sequences [length, B, *R], constants; where length is ragged also ended: bool[length, B, 1]
    parts: the states after the last step, then each value of the step, stacked: [length, B, *R] in the order of time

    A row that has ended keeps its states: right padding serves both directions, as a reverse walk passes it with the
    first states. A value that is a next state shows the state that was kept; what other values hold in the padding
    nobody should ask. So that no row reaches another, what depends on a state or a sequence has the batch as axis 0.
    """

    body: Body
    states: int
    sequences: int
    length: Dim
    reverse: bool = False

    @property
    def ragged(self) -> bool:
        return is_ragged(self.length)

    def infer(self, *inputs: Type) -> Type:
        graph = self.body.graph
        wanted = [n.type for n in graph.inputs]
        if len(inputs) != len(wanted) + self.ragged or self.states + self.sequences > len(wanted) or not self.states:
            raise TypeRuleError("wants a value for each input of the body, and which rows have ended")
        rows = wanted[0].shape[:1]
        if not any(map(is_rows, rows)) or (self.ragged and rows[0] != rows_of(self.length)):
            raise TypeRuleError(f"the rows of a state are no rows of {self.length}: {wanted[0]}")
        if self.ragged and (inputs[-1].dtype != "bool" or inputs[-1].shape != (self.length, *rows, 1)):
            raise TypeRuleError(f"{inputs[-1]} does not say which rows have ended")
        for i, (given, inner) in enumerate(zip(inputs, wanted, strict=False)):
            moving = self.states <= i < self.states + self.sequences
            if moving and given.shape[:1] != (self.length,):
                raise TypeRuleError(f"{given} is no sequence of {self.length} positions")
            element = Type(given.dtype, given.shape[1:]) if moving else given
            if element != inner or (i < self.states + self.sequences and inner.shape[:1] != rows):
                raise TypeRuleError(f"the body takes {inner}, not {element}")
        self._keeps_rows_apart()
        values = [o.node for o in graph.outputs]
        first = [n.type for n in graph.inputs[: self.states]]
        if [n.type for n in values[: self.states]] != first or any(is_ragged(d) for t in first for d in t.shape):
            raise TypeRuleError("a next state is not of the state's type")
        finite = self._finite(inputs)
        stacked = [
            Type(n.type.dtype, (self.length, *n.type.shape)).with_pad("finite" if n in finite else "any")
            for n in values[self.states :]
        ]
        return Type("f32", parts=(*first, *stacked))

    def varying(self) -> set[Node]:
        """The nodes of the body that depend on a state or a sequence."""
        graph = self.body.graph
        varying = set(graph.inputs[: self.states + self.sequences])
        for node in graph.nodes():
            if not varying.isdisjoint(node.inputs):
                varying.add(node)
        return varying

    def _keeps_rows_apart(self) -> None:
        varying = self.varying()
        rows = self.body.graph.inputs[0].type.shape[:1]
        for node in varying:
            if node.type.shape[:1] != rows and not node.type.parts:
                raise TypeRuleError(f"{node} in the body mixes the rows of the batch")
        for output in self.body.graph.outputs:
            if output.node.type.shape[:1] != rows:
                raise TypeRuleError(f"{output.name} is the same for every row")

    def _finite(self, inputs: tuple[Type, ...]) -> set[Node]:
        """The values of the body that are finite in a row that has ended, too: its states stay what they were."""
        graph = self.body.graph
        finite = {n for n, given in zip(graph.inputs, inputs, strict=False) if given.pad in ("finite", "zero")}
        for node in graph.nodes():
            if not isinstance(node.op, Input) and finite.issuperset(node.inputs) and bounded(node.op):
                finite.add(node)
        return finite | {o.node for o in graph.outputs[: self.states]}

    def flops(self, inputs: tuple[Type, ...], out: Type, sizes: Mapping[str, int]) -> int:
        nodes = [n for n in self.body.graph.nodes() if not isinstance(n.op, Constant)]
        one = sum(n.op.flops(tuple(i.type for i in n.inputs), n.type, sizes) for n in nodes)
        return value_of(self.length, sizes) * one


def bounded(op: Op) -> bool:
    """Whether the result is finite where all operands are (overflow aside)."""
    if isinstance(op, Fused):
        return all(bounded(step) for step, _ in op.steps)
    return not isinstance(op, Elementwise) or op.bounded


@dataclass(frozen=True)
class Part(Op):
    """One result of an op that has several."""

    index: int

    def infer(self, *inputs: Type) -> Type:
        (whole,) = inputs
        if not 0 <= self.index < len(whole.parts):
            raise TypeRuleError(f"there is no part {self.index}")
        return whole.parts[self.index]


@dataclass(frozen=True)
class Ended(Op):
    """Which rows have ended at each position of a ragged dimension. lengths: i64[B] -> bool[dim, B, 1]"""

    dim: Dim

    def infer(self, *inputs: Type) -> Type:
        if not is_ragged(self.dim):
            raise TypeRuleError(f"{self.dim} is the same for every row")
        one_each(inputs[0], rows_of(self.dim))
        return Type("bool", (self.dim, *inputs[0].shape, 1))
