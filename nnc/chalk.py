"""A function or a network on the blackboard: a graph with its values and gradients, and what each of them is called."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

from compiler.chain import NUMBERS, Grain, Link, links
from compiler.experiment import Experiment, LayerRow
from compiler.ir.graph import Graph, Input, Node
from compiler.ir.text import op_name
from compiler.ir.types import sequence_symbol
from compiler.ops.scan import Part
from nnc.backprop import Walk, lengths_of, walk
from nnc.single import values_of
from runtime.backend import Array, Value

NAMED = re.compile(r"(?:^|[{;])\s*([^\s={};]+)\s*=\s*$")
"""What stands before the formula of a value that has a name,"""
ENDED = re.compile(r"\s*(?:$|[;}#])")
"""and behind it: what goes on with an operator is a piece of a larger one."""
MOST_LINKS = 24
"""That are shown one by one."""


@dataclass(frozen=True)
class Board:
    """A graph's root, what it was computed from, and the gradient of each.

    name: of the root: `loss`, or an output
    links: as they are shown, each behind those that it takes values of
    """

    experiment: Experiment
    name: str
    root: Node
    leaves: tuple[Node, ...]
    links: tuple[Link, ...]
    values: Mapping[Node, Value]
    walk: Walk

    @cached_property
    def link_of(self) -> dict[Node, Link]:
        return {node: link for link in self.links for node in link.nodes}

    def value(self, node: Node) -> Array:
        """Without the axis of the rows, of which there is one."""
        return without_rows(node, self.values[node])

    def gradient(self, node: Node) -> Array:
        """As `value`; zeros where nothing reaches it."""
        found = self.walk.gradients.get(node)
        return without_rows(node, found if found is not None else 0 * self.values[node])

    def leaf_name(self, node: Node) -> str:
        assert isinstance(node.op, Input)
        return node.op.name

    def label(self, link: Link, *, by_op: bool = False) -> str:
        """`out = a * b`, `dense 8 tanh`, `cross-entropy of label`; by_op: the op's name."""
        last = link.nodes[-1]
        if by_op:
            return op_name(type(link.nodes[0].op if isinstance(last.op, Part) else last.op))
        span = link.span
        for head in self.experiment.network.heads:
            if link.row is None and span == head.port.span:
                return f"{head.loss} of {head.port.name}"
        if span is None:
            return op_name(type(last.op))
        row = self.experiment.network.layers[link.row] if link.row is not None else None
        whole = row is not None and (row.span == span or any(n.span != span for n in link.nodes))
        if row is not None and whole:
            span = row.span
        text = row.text if row is not None and whole else " ".join(span.snippet.split())
        named = NAMED.search(span.text[: span.column - 1])
        whole_line = span.end_line > span.line or ENDED.match(span.text, span.end_column - 1)
        return f"{named[1]} = {text}" if named and whole_line else text


def without_rows(node: Node, value: Array) -> Array:
    """The one row of a batch. A loop has its positions before the rows."""
    for axis, dim in enumerate(node.type.shape[:2]):
        if str(dim) == "B" and value.shape[axis] == 1:
            return value.squeeze(axis)
    return value


def board(
    experiment: Experiment,
    graph: Graph,
    output: str,
    feeds: Mapping[str, Array],
    sizes: Mapping[str, int],
    grain: Grain,
    *,
    local: bool,
) -> Board:
    """output: of the graph, which becomes the root: one number. local: with local gradients, where they are small"""
    root = next(o.node for o in graph.outputs if o.name == output)
    graph = Graph(graph.inputs, tuple(o for o in graph.outputs if o.name == output))
    trained = {p.name for p in experiment.network.parameters if p.trained}
    given = {p.name for p in experiment.network.inputs}
    leaves = tuple(
        n
        for n in graph.inputs
        if isinstance(n.op, Input)
        and n.type.dtype in NUMBERS
        and ((n.op.kind == "weight" and n.op.name in trained) or (n.op.kind == "data" and n.op.name in given))
    )
    found = _links(root, leaves, experiment.network.layers, grain)
    values = values_of(graph, feeds, sizes)
    lengths = lengths_of(graph)
    walked = walk(found, root, values, lengths, sizes, local=local)
    used = tuple(n for n in leaves if n in values)
    return Board(experiment, output.removesuffix(".scores"), root, used, found, values, walked)


def _links(root: Node, leaves: Sequence[Node], rows: Sequence[LayerRow], grain: Grain) -> tuple[Link, ...]:
    """Line by line; where that is too much, with what is nested in them, as little of it as need be."""
    found = links(root, leaves, rows, grain)
    deepest = max((row.depth for row in rows), default=0)
    while grain == "line" and len(found) > MOST_LINKS and deepest > 0:
        deepest -= 1
        found = links(root, leaves, rows, grain, deepest)
    return found


def positions_of(node: Node) -> str | None:
    """The symbol of a value's positions, which its second axis counts; None where it has none."""
    return sequence_symbol(node.type.shape[1]) if node.type.ragged == 1 else None
