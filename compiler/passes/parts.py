"""Values side by side and parts of them: what merging, widening and giving out as one have in common."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

from compiler.ir.graph import Node, apply
from compiler.ir.types import plus
from compiler.ops.shape import Concat, Slice
from compiler.passes.rewrite import Rule


def slice_of_concat(node: Node) -> Node | None:
    """slice(concat(..., x, ...), of x) -> slice(x)"""
    match node:
        case Node(op=Slice(axis=axis, start=int(start), size=int(size)), inputs=(Node(op=Concat() as whole) as x,)):
            if whole.axis != axis:
                return None
        case _:
            return None
    at = 0
    for part in x.inputs:
        width = part.type.shape[axis]
        if not isinstance(width, int):
            return None
        if at <= start and start + size <= at + width:
            return part if size == width else apply(Slice(axis, start - at, size), part, span=node.span)
        at += width
    return None


def slice_of_slice(node: Node) -> Node | None:
    """slice(slice(x, i), j) -> slice(x, i + j)"""
    match node:
        case Node(op=Slice(axis, start, size), inputs=(Node(op=Slice() as first, inputs=(x,)),)) if first.axis == axis:
            return apply(Slice(axis, plus(first.start, start), size), x, span=node.span)
        case _:
            return None


def concat_of_concat(node: Node) -> Node | None:
    """concat(..., concat(x, y), ...) -> concat(..., x, y, ...) along one axis"""
    if not isinstance(node.op, Concat) or all(n.op != node.op for n in node.inputs):
        return None
    parts = [m for n in node.inputs for m in (n.inputs if n.op == node.op else (n,))]
    return apply(node.op, *parts, span=node.span)


def concat_of_neighbours(node: Node) -> Node | None:
    """concat(..., slice(x, i to j), slice(x, j to k), ...) -> concat(..., slice(x, i to k), ...)"""
    if not isinstance(node.op, Concat):
        return None
    kept: list[Node] = []
    for part in node.inputs:
        wide = _one(kept[-1], part, node.op.axis) if kept else None
        if wide is not None:
            kept[-1] = wide
        else:
            kept.append(part)
    if len(kept) == len(node.inputs):
        return None
    return apply(node.op, *kept, span=node.span) if len(kept) > 1 else kept[0]


def _one(left: Node, right: Node, axis: int) -> Node | None:
    """The slice that two neighbouring slices are together."""
    match left, right:
        case Node(op=Slice(axis=a, start=int(i), size=int(m)), inputs=(x,)), Node(
            op=Slice(axis=b, start=int(j), size=int(n)), inputs=(y,)
        ) if x is y and a == b == axis and i + m == j:
            return x if m + n == x.type.shape[axis] else apply(Slice(axis, i, m + n), x, span=left.span)
        case _:
            return None


RULES: tuple[Rule, ...] = (slice_of_concat, slice_of_slice, concat_of_concat, concat_of_neighbours)


@dataclass(frozen=True)
class Cut:
    """The columns start to stop of a value, which may be all it has."""

    of: Node
    start: int
    stop: int


def cut(node: Node) -> Cut | None:
    """What a node is of a larger one; None where it is a part along another axis than the last."""
    width = node.type.shape[-1] if node.type.shape else None
    match node:
        case Node(op=Slice(axis=axis, start=int(start), size=int(size)), inputs=(x,)) if axis == node.type.rank - 1:
            return Cut(x, start, start + size)
        case _ if isinstance(width, int):
            return Cut(node, 0, width)
        case _:
            return None


def neighbours(nodes: Sequence[Node]) -> bool:
    """Whether they are, in this order, one stretch of columns of one value."""
    cuts = [cut(n) for n in nodes]
    return all(a is not None and b is not None and a.of is b.of and a.stop == b.start for a, b in pairwise(cuts))


def side_by_side(nodes: Sequence[Node], axis: int) -> Node:
    """The nodes as one along an axis: a stretch of one value, where they are that, else a concat."""
    whole = apply(Concat(axis), *nodes, span=nodes[0].span)
    return concat_of_neighbours(whole) or whole


def split(whole: Node, like: Sequence[Node], axis: int, along: int) -> list[Node]:
    """The parts of a whole along an axis, as wide as each of `like` is along its own."""
    parts: list[Node] = []
    start = 0
    for node in like:
        size = node.type.shape[along]
        assert isinstance(size, int)
        parts.append(apply(Slice(axis, start, size), whole, span=node.span))
        start += size
    return parts
