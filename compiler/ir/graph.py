"""The graph: one kind of node, in single-assignment form. Nothing in it is changed in place; passes build anew."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from math import prod
from typing import ClassVar, Literal, TypeAlias

from compiler.ir.types import Type, TypeRuleError
from dsl.source import Span


@dataclass(frozen=True)
class Op:
    """What a node does: a frozen dataclass whose fields are its static attributes.

    A subclass gives the type rule, the gradient rule and the cost; `runtime/kernels` has what it computes.
    """

    elementwise: ClassVar[bool] = False
    """Each element of the result depends on the elements at the same place (after broadcasting) and on nothing else."""
    view: ClassVar[bool] = False
    """The result is the first input's memory, seen in another shape."""

    def infer(self, *inputs: Type) -> Type:
        """The result's type. Raises TypeRuleError."""
        raise NotImplementedError

    def gradient(self, node: Node, cotangent: Node) -> tuple[Node | None, ...]:
        """One cotangent for each input, None where nothing flows. A broadcast operand's may have the result's shape:
        the reverse walk sums it back."""
        return (None,) * len(node.inputs)

    def scratch(self, *inputs: Type) -> tuple[Type, ...]:
        """Work space that the kernel needs beside its result; the plan gives it a place for the time of the call."""
        return ()

    def flops(self, inputs: tuple[Type, ...], out: Type, sizes: Mapping[str, int]) -> int:
        """Floating-point operations at these sizes; 0 for what only moves data."""
        return 0


@dataclass(frozen=True, eq=False)
class Node:
    """One value. Nodes compare by identity; `span` is the line of the spec that made it, gradient nodes too."""

    op: Op
    inputs: tuple[Node, ...]
    type: Type
    span: Span | None = None

    def __repr__(self) -> str:
        return f"<{type(self.op).__name__} {self.type}>"


InputKind: TypeAlias = Literal["data", "lengths", "weight", "state", "number", "inner"]
"""data: a batch's input; lengths: of a batch's sequences, i64[B], named `lengths.T`; weight: trained; state: the
optimizer's and what else lives from step to step; number: what the run sets and no batch decides (`lr`, `step`, `seed`,
`class_weights.label`); inner: what a loop gives its body in each step."""


@dataclass(frozen=True)
class Input(Op):
    """A value from outside, by name."""

    name: str
    kind: InputKind
    given: Type = field(default_factory=lambda: Type("f32"))

    def infer(self, *inputs: Type) -> Type:
        return self.given


@dataclass(frozen=True)
class FlatPart:
    """A weight or state by name, and its shape."""

    name: str
    shape: tuple[int, ...]

    @property
    def size(self) -> int:
        return prod(self.shape)


@dataclass(frozen=True)
class Flat(Input):
    """Weights or states side by side in memory, as one vector, each with its last axis fastest."""

    parts: tuple[FlatPart, ...] = ()

    def starts(self) -> Iterator[tuple[int, FlatPart]]:
        """Each part with where it begins."""
        start = 0
        for part in self.parts:
            yield start, part
            start += part.size


def apply(op: Op, *inputs: Node, span: Span | None = None) -> Node:
    """The node of an op on its inputs; its type is inferred here and nowhere else.

    Without a span it is nobody's yet: the reverse walk gives gradient nodes the line of what they are the gradient of.
    """
    try:
        inferred = op.infer(*(n.type for n in inputs))
    except TypeRuleError as error:
        raise TypeRuleError(f"{op} of {', '.join(str(n.type) for n in inputs)}: {error}") from None
    return Node(op, inputs, inferred, span)


@dataclass(frozen=True)
class Output:
    """A result by name. update names the weight or state (an Input) whose next value this is, written in its place."""

    name: str
    node: Node
    update: str | None = None


@dataclass(frozen=True)
class Graph:
    """What is computed from what. inputs are all that may be fed, used or not."""

    inputs: tuple[Node, ...]
    outputs: tuple[Output, ...]

    def nodes(self) -> list[Node]:
        """All nodes that an output needs, each after its inputs; the order follows from the graph alone."""
        return [*self._nodes]

    @cached_property
    def _nodes(self) -> list[Node]:
        return sorted_nodes(output.node for output in self.outputs)

    def input(self, name: str) -> Node:
        return next(n for n in self.inputs if isinstance(n.op, Input) and n.op.name == name)

    def _repr_html_(self) -> str:
        """For notebooks: what each line of the spec became."""
        from compiler.ir.html import graph_page  # it imports this page

        return graph_page(self)


def sorted_nodes(roots: Iterable[Node], leaf: Callable[[Node], bool] | None = None) -> list[Node]:
    """Every node below the roots, inputs before users, without recursion (a graph may be thousands deep).

    A node of which leaf is true is listed, but not what is below it.
    """
    done: dict[Node, None] = {}
    stack = [*roots]
    stack.reverse()
    while stack:
        node = stack[-1]
        if node not in done:
            below = () if leaf is not None and leaf(node) else node.inputs
            if waiting := [n for n in reversed(below) if n not in done]:
                stack += waiting
                continue
            done[node] = None
        stack.pop()
    return list(done)


def users_of(nodes: Iterable[Node]) -> dict[Node, list[Node]]:
    """Who reads whom; one entry for each reading."""
    users: dict[Node, list[Node]] = {}
    for node in nodes:
        for operand in node.inputs:
            users.setdefault(operand, []).append(node)
    return users


def rebuild(graph: Graph, change: Callable[[Node, tuple[Node, ...]], Node]) -> Graph:
    """The graph with every node made anew once, inputs first.

    change(old, new inputs) gives the node that stands for old from now on. Input nodes stay as they are. Where every
    output does, the graph itself is returned.
    """
    new: dict[Node, Node] = {}
    for node in graph.nodes():
        new[node] = node if isinstance(node.op, Input) else change(node, tuple([new[n] for n in node.inputs]))
    if all(new[o.node] is o.node for o in graph.outputs):
        return graph
    return Graph(graph.inputs, tuple(Output(o.name, new[o.node], o.update) for o in graph.outputs))


def structure(graph: Graph) -> tuple[object, ...]:
    """What two graphs have alike if they differ in nothing but the lines of the spec that the nodes come from."""
    nodes = [*graph.inputs, *graph.nodes()]
    place = {node: i for i, node in reversed(list(enumerate(nodes)))}
    return (
        tuple((node.op, node.type, tuple(place[n] for n in node.inputs)) for node in nodes),
        tuple((output.name, place[output.node], output.update) for output in graph.outputs),
        len(graph.inputs),
    )


def with_inputs(node: Node, inputs: tuple[Node, ...]) -> Node:
    """The same op on other inputs; the node itself where they are the same. A known type is not inferred anew."""
    if inputs == node.inputs:
        return node
    if all(new.type is old.type or new.type == old.type for new, old in zip(inputs, node.inputs, strict=True)):
        return Node(node.op, inputs, node.type, node.span)
    return apply(node.op, *inputs, span=node.span)
