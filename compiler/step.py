"""One position at a time: the program that writes a text, derived from the graph that reads a whole one.

Every value that has positions gets one position. What looks behind carries what it has to remember: a loop its states,
a causal convolution its last positions, causal attention all keys and values so far. What comes from other inputs is
computed once, before the first position. Nobody writes a layer twice, and the weights are the same.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass, field, fields, replace
from typing import Any, cast

from compiler.causality import LOCAL
from compiler.ir.graph import Graph, Input, Node, Op, Output, apply, sorted_nodes
from compiler.ir.types import Dim, Extent, Type, columns, symbol
from compiler.ops.attention import CausalSoftmax, HeadMix, HeadScores, KeySoftmax
from compiler.ops.elementwise import Sub, constant
from compiler.ops.lookup import Gather
from compiler.ops.pointing import AddAtIds
from compiler.ops.positions import Sinusoid, SinusoidAt, TakeFirst
from compiler.ops.product import MatMul
from compiler.ops.relative import RelativeBias, RelativeBiasAt
from compiler.ops.scan import Ended, Part, Scan
from compiler.ops.sequence import Mask, PutLast
from compiler.ops.shape import Broadcast, Concat, Reshape, Slice, Windows
from compiler.recurrence import depending, exchanged, opened
from dsl.source import Span


@dataclass(frozen=True)
class Step:
    """graph: a position's output from its inputs, [B, 1, ...]. Each carried value is an input of kind "state" too, and
    its output NAME' updates it
    start: the carried values before the first position and what is kept, by name
    grows: those of the carried that have a row for each position, zeros at first; `T` is how many there is room for
    kept: what comes from other inputs than the text, in all steps the same: inputs of kind "state" without an update
    counts: `lengths.T` says which position this is, from 1 on
    """

    graph: Graph
    start: Graph
    carried: tuple[Node, ...]
    grows: tuple[Node, ...] = ()
    kept: tuple[Node, ...] = ()
    counts: bool = False


@dataclass(frozen=True)
class NoStep:
    """There is none. span: the line whose values need more than what has been carried along"""

    span: Span | None


class _LooksElsewhere(Exception):
    """A node that no step can compute. Never leaves this page."""

    def __init__(self, node: Node) -> None:
        self.node = node


def step_of(graph: Graph, output: str, positions: str, once: Collection[str] = ()) -> Step | NoStep:
    """The step of one output of a prediction graph.

    positions: the symbol of its text's positions, `T`; once: the inputs that have nothing to do with the text, and what
    is made from them alone is computed once
    """
    root = next(o.node for o in graph.outputs if o.name == output)
    counted = graph.input(f"lengths.{positions}")
    making = _Making(symbol(positions), {_name(n) for n in graph.inputs}, counted)
    try:
        made = making.made(root)
    except _LooksElsewhere as error:
        return NoStep(error.node.span)
    carried = tuple(c.inner for c in making.carried)
    roots = [made, *(c.following for c in making.carried)]
    kept = making.kept(roots, once)
    made, *following = exchanged(roots, {node: inner for inner, node in kept.items()})
    outputs = [Output(f"{_name(inner)}'", node, _name(inner)) for inner, node in zip(carried, following, strict=True)]
    starting = [(c.inner, c.first) for c in making.carried if c.inner not in making.grows]
    first = _begun(graph, [*(first for _, first in starting), *kept.values()])
    start = [Output(_name(n), node) for n, node in zip([*(n for n, _ in starting), *kept], first, strict=True)]
    step = _graph(graph, (*carried, *kept), [Output(output, made), *outputs])
    return Step(step, _graph(graph, (), start), carried, tuple(making.grows), tuple(kept), counted in step.inputs)


def _name(node: Node) -> str:
    assert isinstance(node.op, Input)
    return node.op.name


def _begun(graph: Graph, first: list[Node]) -> list[Node]:
    """First values, zeros where a run would go on from where the batch before it ended."""
    given = {o.name for o in graph.outputs}
    fed = [n for n in sorted_nodes(first) if isinstance(n.op, Input) and f"{n.op.name}'" in given]
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
    """taken: names of inputs; counted: the lengths of the text; new: each node with what it is in a step; bodies: by
    loop, its results in a step; pasts: values of all positions so far, by the node that they are of; grows: these as
    they are carried.

    What is not in `new` has no value before the text ends: how long it is, the last states of a loop.
    """

    positions: Extent
    taken: set[str]
    counted: Node
    new: dict[Node, Node] = field(default_factory=dict[Node, Node])
    bodies: dict[Node, list[Node]] = field(default_factory=dict[Node, "list[Node]"])
    carried: list[_Carried] = field(default_factory=list[_Carried])
    pasts: dict[Node, Node] = field(default_factory=dict[Node, Node])
    grows: list[Node] = field(default_factory=list[Node])

    def made(self, root: Node) -> Node:
        for node in sorted_nodes([root]):
            if isinstance(node.op, Scan) and node.op.length == self.positions:
                self._loop(node, node.op)
            elif not self._is_of_the_end(node):
                self.new[node] = self._one(node)
        return self._operand(root, root)

    def kept(self, roots: list[Node], once: Collection[str]) -> dict[Node, Node]:
        """What steps read that comes from other inputs, where it is not an input itself: its name in a step -> it."""
        moving = [*(c.inner for c in self.carried), *(n for n in self.new.values() if self._is_fed(n)), self.counted]
        varying = depending(roots, moving)
        given: dict[Node, None] = {}
        for node in sorted_nodes(roots):
            of_data = isinstance(node.op, Input) and node.op.name in once
            if node not in varying and (of_data or any(n in given for n in node.inputs)):
                given[node] = None
        read = dict.fromkeys([*roots, *(n for node in varying for n in node.inputs)])
        wanted = [n for n in given if n in read and not isinstance(n.op, Input)]
        return {self._named("kept", n.type, n.span): n for n in wanted}

    def _is_fed(self, node: Node) -> bool:
        """Whether it is an input of one position."""
        return isinstance(node.op, Input) and node.op.kind == "data" and node not in self.new

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
        found = self._counted(node, operands)
        if found is not None:
            return found
        if isinstance(op, Windows):
            return self._windows(node, op, operands[0])
        if not self._is_local(node):
            raise _LooksElsewhere(node)
        found = apply(self._sized(op), *operands, span=node.span)
        if found.type.shape != self._sizes(node.type.shape):
            raise _LooksElsewhere(node)
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
        if isinstance(op, MatMul | AddAtIds):
            return not self._moves(inputs[1])
        if isinstance(op, Gather):
            return not self._moves(inputs[0])
        return op.elementwise or isinstance(op, LOCAL)

    def _counted(self, node: Node, operands: tuple[Node, ...]) -> Node | None:
        """A node that hangs on where a position stands, or on all so far; None for one that does not."""
        op = node.op
        match op:
            case Sinusoid(width=width, dtype=dtype):
                return apply(SinusoidAt(width, dtype), self._place(node), span=node.span)
            case TakeFirst():
                return apply(Gather(computed=True), operands[0], self._place(node), span=node.span)
            case RelativeBias(length=length, causal=causal):
                at = RelativeBiasAt(columns(length), causal)
                return apply(at, operands[0], self._place(node), span=node.span)
            case CausalSoftmax():
                return apply(KeySoftmax(), operands[0], self.counted, span=node.span)
            case HeadScores() | HeadMix():
                memory = node.inputs[1]
                past = self._past(memory, operands[1]) if self._moves(memory) else operands[1]
                return apply(op, operands[0], past, span=node.span)
            case KeySoftmax():
                return apply(op, *operands, span=node.span)
            case _:
                return None

    def _place(self, node: Node) -> Node:
        """Where a position stands, from 0 on, i64[B, 1]."""
        place = apply(Sub(), self.counted, constant(1, "i64"), span=node.span)
        return apply(Reshape((*self.counted.type.shape, 1)), place, span=node.span)

    def _past(self, node: Node, one: Node) -> Node:
        """A value at all positions so far, [B, T, D], of which this is the last."""
        if node not in self.pasts:
            if not self._moves_once(node.type) or node.type.rank != 3 or node.type.shape[1] != self.positions:
                raise _LooksElsewhere(node)
            type_ = Type(node.type.dtype, node.type.shape)
            past = self._named("past", type_, node.span)
            self.grows.append(past)
            self.pasts[node] = apply(PutLast(), past, one, self.counted, span=node.span)
            self.carried.append(_Carried(past, past, self.pasts[node]))
        return self.pasts[node]

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
        return self._named(name, first.type, first.span)

    def _named(self, name: str, type_: Type, span: Span | None) -> Node:
        found, number = name, 1
        while found in self.taken:
            number += 1
            found = f"{name}.{number}"
        self.taken.add(found)
        return Node(Input(found, "state", type_), (), type_, span)

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
