"""A graph as the links of the chain rule: what is looked at as one, and how a gradient passes through it."""

from __future__ import annotations

from collections.abc import Collection, Hashable, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal, TypeAlias

from compiler.autodiff import cotangents
from compiler.experiment import LayerRow
from compiler.ir.graph import Graph, Input, Node, Output, sorted_nodes
from compiler.ir.types import Type, rows_of
from compiler.ops.scan import Part
from dsl.source import Span

Grain: TypeAlias = Literal["line", "expression", "op"]
"""What one link is: all that a line of the table of layers does, a piece of a formula, or a single op."""

NUMBERS = ("f32", "f64")


@dataclass(frozen=True)
class Link:
    """Nodes that are looked at as one.

    nodes: each after its inputs; operands: the nodes outside that it takes and through which a gradient passes on
    results: those of its nodes that others read, or that the graph ends in
    row: the place of its line in the table of layers, None where that does not have it (a loss)
    """

    nodes: tuple[Node, ...]
    operands: tuple[Node, ...]
    results: tuple[Node, ...]
    row: int | None

    @property
    def span(self) -> Span | None:
        return self.nodes[-1].span


def links(
    root: Node, leaves: Collection[Node], rows: Sequence[LayerRow], grain: Grain, depth: int | None = None
) -> tuple[Link, ...]:
    """All that stands between the leaves and the root, each link behind those that it takes values of.

    leaves: the inputs that gradients are asked for; what depends on none of them is in no link
    depth: lines that are nested deeper are parts of those around them; None for however deep
    """
    order = sorted_nodes([root])
    moving = _depending(order, leaves)
    place = _places(rows, depth)
    groups = _groups([n for n in order if n in moving and n not in leaves], place, grain)
    group_of = {node: i for i, group in enumerate(groups) for node in group}
    read: set[Node] = {root}
    for node in order:
        if node in group_of:
            read.update(n for n in node.inputs if group_of.get(n) != group_of[node])
    found: list[Link] = []
    for i, group in enumerate(groups):
        outside = dict.fromkeys(n for node in group for n in node.inputs if n in moving and group_of.get(n) != i)
        row = next((place[n] for n in reversed(group) if n in place), None)
        found.append(Link(tuple(group), tuple(outside), tuple(n for n in group if n in read), row))
    return tuple(found)


def _places(rows: Sequence[LayerRow], depth: int | None) -> dict[Node, int]:
    """The place of the row that each node is shown with; of a node of several rows the first."""
    found: dict[Node, int] = {}
    shown = 0
    for i, row in enumerate(rows):
        shown = i if depth is None or row.depth <= depth else shown
        for node in row.nodes:
            found.setdefault(node, shown)
    return found


def _depending(order: Sequence[Node], leaves: Collection[Node]) -> set[Node]:
    moving = set(leaves)
    for node in order:
        passes = node.type.dtype in NUMBERS or node.type.parts
        if passes and any(n in moving for n in node.inputs):
            moving.add(node)
    return moving


def _groups(nodes: Sequence[Node], place: Mapping[Node, int], grain: Grain) -> list[list[Node]]:
    """The nodes in groups, each behind those that it reads.

    A group has a rank; a node joins the group of its kind unless it reads one of a higher rank. So no two groups wait
    for each other.
    """
    last: dict[Hashable, int] = {}
    groups: list[list[Node]] = []
    ranks: list[tuple[int, int]] = []
    home: dict[Node, int] = {}
    for node in nodes:
        needed = max((ranks[home[n]] for n in node.inputs if n in home), default=(-1, -1))
        kind = _kind(node, place, grain)
        joined = home.get(node.inputs[0]) if isinstance(node.op, Part) else last.get(kind)
        if joined is None or needed > ranks[joined]:
            joined = len(groups)
            groups.append([])
            # What no line made, a loss, stands behind all lines.
            ranks.append((max(place.get(node, len(place)), needed[0]), joined))
            last[kind] = joined
        groups[joined].append(node)
        home[node] = joined
    return [groups[i] for i in sorted(range(len(groups)), key=ranks.__getitem__)]


def _kind(node: Node, place: Mapping[Node, int], grain: Grain) -> Hashable:
    match grain:
        case "op":
            return node
        case "line" if node in place:
            return place[node]
        case _:
            return place.get(node), node.span


def backward(link: Link, lengths: Mapping[str, Node]) -> Graph:
    """What a link does with gradients.

    inputs: `value.0`, ... of all that it takes from outside, as `taken` lists it, `upstream.0`, ... of its results; and
    lengths. outputs: `downstream.0`, ... of its operands, where something reaches them

    lengths: a sequence symbol -> its lengths input
    """
    known = {n: n for n in lengths.values()}
    for i, node in enumerate(taken(link, lengths)):
        known[node] = _input(f"value.{i}", node.type, node.span)
    fed = [n for n in known.values() if n not in lengths.values()]
    for node in link.nodes:
        known[node] = Node(node.op, tuple(known[n] for n in node.inputs), node.type, node.span)
    seeds = {known[n]: _input(f"upstream.{i}", n.type, n.span) for i, n in enumerate(link.results)}
    found = cotangents(seeds, [known[n] for n in link.operands], lengths)
    flows = tuple(Output(f"downstream.{i}", n) for i, n in enumerate(found) if n is not None)
    return Graph((*fed, *seeds.values(), *lengths.values()), flows)


def taken(link: Link, lengths: Mapping[str, Node]) -> tuple[Node, ...]:
    """All values from outside that the link reads, lengths left out."""
    inside = {*link.nodes, *lengths.values()}
    return tuple(dict.fromkeys(n for node in link.nodes for n in node.inputs if n not in inside))


def _input(name: str, type: Type, span: Span | None) -> Node:
    ragged = type.ragged
    if ragged is not None and rows_of(type.shape[ragged]) not in type.shape:
        # Of what all rows of a batch share (a table of positions) no row has padding that could be masked.
        type = type.with_pad("zero")
    return Node(Input(name, "inner", type), (), type, span)
