"""Scans in the making: each inner value beside the outer one that feeds it. Lowering, gradients and passes edit these.

While a scan is open, its body reads what is outside directly; closing finds out what that is.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from compiler.ir.graph import Graph, Input, Node, Output, apply, sorted_nodes, with_inputs
from compiler.ir.types import Dim, Type, is_ragged, is_rows
from compiler.ops.elementwise import Constant
from compiler.ops.scan import Body, Ended, Part, Scan
from dsl.source import Span

BY_TIME = (1, 0, 2)
"""[B, T, d] -> [T, B, d], and back."""


def placeholder(name: str, type_: Type, span: Span | None = None) -> Node:
    """What a loop gives its body under that name."""
    return Node(Input(name, "inner", type_), (), type_, span)


@dataclass
class State:
    """inner: its value before a step; next: after it; initial: before the first one."""

    inner: Node
    initial: Node
    next: Node


@dataclass
class Recurrence:
    """sequences: the element of one position, and the whole, [length, B, *R]; outputs: values of each step, stacked.

    ended: which rows have ended at each position, where length is ragged
    """

    states: list[State]
    sequences: list[tuple[Node, Node]]
    outputs: list[Node]
    length: Dim
    reverse: bool = False
    ended: Node | None = None
    span: Span | None = None
    used: set[str] = field(default_factory=set[str])

    @property
    def roots(self) -> list[Node]:
        return [*(s.next for s in self.states), *self.outputs]

    @property
    def moving(self) -> list[Node]:
        """What differs from step to step: the inner states and elements."""
        return [*(s.inner for s in self.states), *(inner for inner, _ in self.sequences)]

    def replace_roots(self, roots: Sequence[Node]) -> None:
        for state, root in zip(self.states, roots, strict=False):
            state.next = root
        self.outputs = list(roots[len(self.states) :])

    def drop_unread(self) -> None:
        """Sequences whose elements no step reads any more are none of the loop's; one stays, if need be."""
        read = set(sorted_nodes(self.roots))
        kept = [(inner, outer) for inner, outer in self.sequences if inner in read]
        self.sequences = kept or self.sequences[:1]

    def element(self, outer: Node, name: str = "x", type_: Type | None = None) -> Node:
        """The inner node for one position of a sequence, which may be in use already.

        type_: of the element, where outer is not made yet and stands for it until `exchange_outer`
        """
        for inner, known in self.sequences:
            if known is outer:
                return inner
        inner = placeholder(self.fresh(name), type_ or Type(outer.type.dtype, outer.type.shape[1:]), outer.span)
        self.sequences.append((inner, outer))
        return inner

    def fresh(self, name: str) -> str:
        """The name, numbered where a part of this scan has it already."""
        taken = {n.op.name for n in self.moving if isinstance(n.op, Input)} | self.used
        found, number = name, 1
        while found in taken:
            number += 1
            found = f"{name}.{number}"
        self.used.add(found)
        return found

    def close(self) -> Node:
        """The scan. What its body reads from outside becomes a constant of it; numbers stay inside."""
        moving = self.moving
        varying = depending(self.roots, moving)
        constants: dict[Node, Node] = {}
        new: dict[Node, Node] = {n: n for n in moving}
        self.used = set()

        def inside(node: Node) -> Node:
            if node in new or isinstance(node.op, Constant):
                return new.get(node, node)
            if node not in constants:
                name = node.op.name if isinstance(node.op, Input) else "k"
                constants[node] = placeholder(self.fresh(name), node.type, node.span)
            return constants[node]

        for node in sorted_nodes(self.roots):
            if node in varying and node not in new:
                new[node] = with_inputs(node, tuple(inside(n) for n in node.inputs))
        names = [f"{s.inner.op.name}'" for s in self.states if isinstance(s.inner.op, Input)]
        names += [f"out.{i}" for i, _ in enumerate(self.outputs, 1)]
        outputs = tuple(Output(n, inside(root)) for n, root in zip(names, self.roots, strict=True))
        body = Body(Graph((*moving, *constants.values()), outputs))
        scan = Scan(body, len(self.states), len(self.sequences), self.length, self.reverse)
        fed = [*(s.initial for s in self.states), *(outer for _, outer in self.sequences), *constants]
        return apply(scan, *fed, *([self.ended] if self.ended is not None else []), span=self.span)


def opened(node: Node) -> Recurrence:
    """A scan taken apart; its constants stand outside again."""
    op = node.op
    assert isinstance(op, Scan)
    graph = op.body.graph
    fed = dict(zip(graph.inputs, node.inputs, strict=False))
    moving, constants = graph.inputs[: op.states + op.sequences], graph.inputs[op.states + op.sequences :]
    roots = exchanged([o.node for o in graph.outputs], {inner: fed[inner] for inner in constants})
    states = [State(inner, fed[inner], root) for inner, root in zip(moving[: op.states], roots, strict=False)]
    return Recurrence(
        states,
        [(inner, fed[inner]) for inner in moving[op.states :]],
        roots[op.states :],
        op.length,
        op.reverse,
        node.inputs[-1] if op.ragged else None,
        node.span,
    )


def part(scan: Node, index: int) -> Node:
    return apply(Part(index), scan, span=scan.span)


def depending(roots: Iterable[Node], on: Iterable[Node]) -> set[Node]:
    """The nodes below the roots that depend on some of `on`, and these."""
    found = set(on)
    for node in sorted_nodes(roots):
        if not found.isdisjoint(node.inputs):
            found.add(node)
    return found


def exchanged(roots: Sequence[Node], new: dict[Node, Node]) -> list[Node]:
    """The roots with some nodes below them exchanged; each node is made anew once."""
    done = dict(new)
    for node in sorted_nodes(roots, leaf=lambda n: n in new):
        if node not in done:
            done[node] = with_inputs(node, tuple(done[n] for n in node.inputs))
    return [done[n] for n in roots]


def ended_of(length: Dim, lengths: Node, span: Span | None = None) -> Node | None:
    """Which rows have ended at each position; None where all are equally long."""
    return apply(Ended(length), lengths, span=span) if is_ragged(length) else None


def stacked_type(node: Node, length: Dim) -> Type:
    """Of a value of the step, stacked over the steps."""
    assert is_rows(node.type.shape[0])
    return Type(node.type.dtype, (length, *node.type.shape)).with_pad("any")
