"""One position at a time: the program that writes a text, derived from the graph that reads a whole one.

Every value that has positions gets one position. What looks behind carries what it has to remember: a loop its states,
a causal convolution its last positions. Nobody writes a layer twice, and the weights are the same.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field, fields, replace
from typing import Any, cast

from compiler.causality import LOCAL
from compiler.ir.graph import Graph, Input, Node, Op, Output, apply, sorted_nodes
from compiler.ir.types import Dim, Extent, Type, symbol
from compiler.ops.elementwise import constant
from compiler.ops.lookup import Gather
from compiler.ops.product import MatMul
from compiler.ops.scan import Ended, Part, Scan
from compiler.ops.sequence import Mask
from compiler.ops.shape import Broadcast, Concat, Reshape, Slice, Windows
from compiler.recurrence import exchanged, opened
from dsl.source import Span


@dataclass(frozen=True)
class Step:
    """graph: a position's output from its inputs, [B, 1, ...]. Each carried value is an input of kind "state" too, and
    its output NAME' updates it
    start: the carried values before the first position, by name
    """

    graph: Graph
    start: Graph
    carried: tuple[Node, ...]


@dataclass(frozen=True)
class NoStep:
    """There is none. span: the line whose values need more than what has been carried along"""

    span: Span | None


class _LooksElsewhere(Exception):
    """A node that no step can compute. Never leaves this page."""

    def __init__(self, node: Node) -> None:
        self.node = node


def step_of(graph: Graph, output: str, positions: str) -> Step | NoStep:
    """The step of one output of a prediction graph. positions: the symbol of its text's positions, `T`."""
    root = next(o.node for o in graph.outputs if o.name == output)
    making = _Making(symbol(positions), {_name(n) for n in graph.inputs})
    try:
        made = making.made(root)
    except _LooksElsewhere as error:
        return NoStep(error.node.span)
    following = [Output(f"{_name(c.inner)}'", c.following, _name(c.inner)) for c in making.carried]
    first = _from_weights([c.first for c in making.carried])
    start = [Output(_name(c.inner), node) for c, node in zip(making.carried, first, strict=True)]
    carried = tuple(c.inner for c in making.carried)
    return Step(_graph(graph, carried, [Output(output, made), *following]), _graph(graph, (), start), carried)


def _name(node: Node) -> str:
    assert isinstance(node.op, Input)
    return node.op.name


def _from_weights(first: list[Node]) -> list[Node]:
    """First values, zeros where a run would go on from where the batch before it ended."""
    fed = [n for n in sorted_nodes(first) if isinstance(n.op, Input) and n.op.kind != "weight"]
    return exchanged(first, {n: apply(Broadcast(n.type.shape), constant(0.0, n.type.dtype), span=n.span) for n in fed})


def _graph(like: Graph, carried: tuple[Node, ...], outputs: list[Output]) -> Graph:
    """With those inputs that it reads, in the order of the graph that it was made from."""
    read = {_name(n): n for n in sorted_nodes(o.node for o in outputs) if isinstance(n.op, Input)}
    return Graph((*(read[_name(n)] for n in like.inputs if _name(n) in read), *carried), tuple(outputs))


@dataclass(frozen=True, eq=False)
class _Carried:
    """inner: what a step gets from the one before it; first: before the first position; following: what it gives on."""

    inner: Node
    first: Node
    following: Node


@dataclass
class _Making:
    """taken: names of inputs; new: each node with what it is in a step; bodies: by loop, its results in a step.

    What is not in `new` has no value before the text ends: how long it is, the last states of a loop.
    """

    positions: Extent
    taken: set[str]
    new: dict[Node, Node] = field(default_factory=dict[Node, Node])
    bodies: dict[Node, list[Node]] = field(default_factory=dict[Node, "list[Node]"])
    carried: list[_Carried] = field(default_factory=list[_Carried])

    def made(self, root: Node) -> Node:
        for node in sorted_nodes([root]):
            if isinstance(node.op, Scan) and node.op.length == self.positions:
                self._loop(node, node.op)
            elif not self._is_of_the_end(node):
                self.new[node] = self._one(node)
        return self._operand(root, root)

    def _is_of_the_end(self, node: Node) -> bool:
        """How long a text is, and a loop's last states."""
        match node.op:
            case Input(name=name, kind="lengths"):
                return name.removeprefix("lengths.") == str(self.positions)
            case Part(index=index):
                loop = node.inputs[0]
                return loop in self.bodies and isinstance(loop.op, Scan) and index < loop.op.states
            case Ended(dim=dim):
                return dim == self.positions
            case _:
                return False

    def _one(self, node: Node) -> Node:
        """A node in a step."""
        op = node.op
        if isinstance(op, Input):
            return self._input(node, op)
        if isinstance(op, Part) and node.inputs[0] in self.bodies:
            return self._part(node, op)
        if isinstance(op, Mask) and self._moves(node):
            # One position is always a real one.
            return self._operand(node, node.inputs[0])
        operands = tuple(self._operand(node, n) for n in node.inputs)
        if not self._moves(node):
            if self._mentions(op) or any(map(self._moves, node.inputs)):
                raise _LooksElsewhere(node)
            return node
        if isinstance(op, Windows):
            return self._windows(node, op, operands[0])
        if not self._is_local(node):
            raise _LooksElsewhere(node)
        found = apply(self._sized(op), *operands, span=node.span)
        assert found.type.shape == self._sizes(node.type.shape)
        return found

    def _operand(self, node: Node, operand: Node) -> Node:
        if operand not in self.new:
            raise _LooksElsewhere(node)
        return self.new[operand]

    def _input(self, node: Node, op: Input) -> Node:
        if not self._moves(node):
            return node
        one = Type(op.given.dtype, self._sizes(op.given.shape))
        return Node(Input(op.name, op.kind, one), (), one, node.span)

    def _is_local(self, node: Node) -> bool:
        """Whether a position of it comes from that position of its operands, and of nothing else."""
        op, inputs = node.op, node.inputs
        if not self._moves_once(node.type) or not all(self._moves_once(n.type) for n in inputs if self._moves(n)):
            return False
        if isinstance(op, MatMul):
            return not self._moves(inputs[1])
        if isinstance(op, Gather):
            return not self._moves(inputs[0])
        return op.elementwise or isinstance(op, LOCAL)

    def _windows(self, node: Node, op: Windows, x: Node) -> Node:
        """The positions before this one are carried along."""
        behind = op.reach - 1
        if op.before != behind or op.after or op.stride != 1:
            raise _LooksElsewhere(node)
        if behind:
            empty = float("-inf") if node.inputs[0].type.pad == "lowest" else 0.0
            shape = (x.type.shape[0], behind, x.type.shape[2])
            first = apply(Broadcast(shape), constant(empty, x.type.dtype), span=node.span)
            past = self._carry("past", first)
            x = apply(Concat(1), past, x, span=node.span)
            self.carried.append(_Carried(past, first, apply(Slice(1, 1, behind), x, span=node.span)))
        return apply(replace(op, before=0), x, span=node.span)

    def _loop(self, node: Node, op: Scan) -> None:
        """Its body once: no loop is left."""
        loop = opened(node)
        if op.reverse or any(self._moves(n) or self._mentions(n.op) for n in op.body.graph.nodes()):
            raise _LooksElsewhere(node)
        given: dict[Node, Node] = {}
        for state in loop.states:
            given[state.inner] = self._carry(_name(state.inner), self._operand(node, state.initial))
        for inner, outer in loop.sequences:
            given[inner] = apply(Reshape(inner.type.shape), self._operand(node, outer), span=node.span)
        results = exchanged(loop.roots, given)
        for state, following in zip(loop.states, results, strict=False):
            self.carried.append(_Carried(given[state.inner], state.initial, following))
        self.bodies[node] = results

    def _part(self, node: Node, op: Part) -> Node:
        value = self.bodies[node.inputs[0]][op.index]
        return apply(Reshape((1, *value.type.shape)), value, span=node.span)

    def _carry(self, name: str, first: Node) -> Node:
        """The input of a carried value, under a name of its own."""
        found, number = name, 1
        while found in self.taken:
            number += 1
            found = f"{name}.{number}"
        self.taken.add(found)
        return Node(Input(found, "state", first.type), (), first.type, first.span)

    # Positions in types and attributes

    def _moves(self, node: Node) -> bool:
        """Whether it has a value for each position."""
        return any(map(self._of_positions, _dims(node.type)))

    def _moves_once(self, type: Type) -> bool:
        """Whether one axis is the positions, and no other hangs on how many there are."""
        return [d for d in _dims(type) if self._of_positions(d)] == [self.positions]

    def _of_positions(self, dim: Dim) -> bool:
        return isinstance(dim, Extent) and any(name == str(self.positions) for name, _ in dim.terms)

    def _mentions(self, op: Op) -> bool:
        """Whether the positions are among its attributes."""
        found = (getattr(op, f.name) for f in fields(op))
        return any(self._of_positions(d) for value in found for d in _dims_in(value))

    def _sizes(self, shape: Iterable[Dim]) -> tuple[Dim, ...]:
        return tuple(1 if d == self.positions else d for d in shape)

    def _sized(self, op: Op) -> Op:
        """The op with one position in its attributes."""
        new = {
            f.name: self._sizes(cast("tuple[Dim, ...]", value)) if isinstance(value, tuple) else 1
            for f in fields(op)
            for value in (cast("object", getattr(op, f.name)),)
            if any(map(self._of_positions, _dims_in(value)))
        }
        return replace(op, **cast("dict[str, Any]", new)) if new else op


def _dims(type: Type) -> tuple[Dim, ...]:
    return (*type.shape, *(d for part in type.parts for d in part.shape))


def _dims_in(value: object) -> tuple[Extent, ...]:
    several = cast("tuple[object, ...]", value) if isinstance(value, tuple) else (value,)
    return tuple(d for d in several if isinstance(d, Extent))
