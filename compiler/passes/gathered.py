"""Rows that are looked up for one product each are read where they lie, where kernels are compiled."""

from __future__ import annotations

from compiler.ir.graph import Graph, Node, Op, apply
from compiler.ops.elementwise import Mul
from compiler.ops.gathered import GatherDot, GatherSum, ScatterOuter
from compiler.ops.lookup import Gather, ScatterRows
from compiler.ops.reduction import Sum
from compiler.ops.shape import Broadcast, Reshape
from compiler.passes.block import Block, around, with_roots


def gathered(graph: Graph) -> Graph:
    """sum(mul(gather(t, ids), x[:, None]), 2) -> gather_dot(t, ids, x)

    sum(mul(gather(t, ids), by[:, :, None]), 1) -> gather_sum(t, ids, by), scatter_rows(ids, mul(by[:, :, None],
    x[:, None])) -> scatter_outer(ids, x, by); the same without by.
    """
    block = around(graph)
    found: dict[Node, Node] = {}
    for node in block.nodes:
        new = _of_rows(node, block)
        if new is not None and new.type == node.type:
            found[node] = new
    return with_roots(graph, block.exchanged(found).roots) if found else graph


def _of_rows(node: Node, block: Block) -> Node | None:
    match node:
        case Node(op=Sum(axes=(axis,), keep=False), inputs=(Node(op=Mul(), inputs=factors) as product,)):
            if len(block.users[product]) != 1:
                return None
            first, second = factors
            for rows, other in ((first, second), (second, first)):
                if _looked_up(rows):
                    new = _product_of(rows, other, axis)
                    return None if new is None else apply(new[0], *rows.inputs, new[1], span=node.span)
        case Node(op=Sum(axes=(1,), keep=False), inputs=(rows,)) if _looked_up(rows):
            return apply(GatherSum(), *rows.inputs, span=node.span)
        case Node(op=ScatterRows(size), inputs=(ids, Node(op=Mul(), inputs=(a, b)))):
            for by, x in ((_spread(a, 2), _spread(b, 1)), (_spread(b, 2), _spread(a, 1))):
                if by is not None and x is not None and _alike(ids, x, by):
                    return apply(ScatterOuter(size), ids, x, by, span=node.span)
        case Node(op=ScatterRows(size), inputs=(ids, Node(op=Broadcast(), inputs=(one,)))):
            x = _spread(one, 1)
            return None if x is None or not _alike(ids, x) else apply(ScatterOuter(size), ids, x, span=node.span)
        case _:
            pass
    return None


def _product_of(rows: Node, other: Node, axis: int) -> tuple[Op, Node] | None:
    """What the sum along the axis of rows [B, L, D] times the other is, and its matrix: x [B, D] or weights [B, L], and
    nothing that is repeated along an axis."""
    batch, length, width = rows.type.shape
    if axis == 2:
        x = _spread(other, 1)
        return (GatherDot(), x) if x is not None and x.type.shape == (batch, width) else None
    weights = _spread(other, 2)
    return (GatherSum(), weights) if weights is not None and weights.type.shape == (batch, length) else None


def _alike(ids: Node, x: Node, by: Node | None = None) -> bool:
    """Whether there is a row of x [B, D] for each row of ids [B, L], and a number of by for each id."""
    if ids.type.rank != 2 or x.type.shape[0] != ids.type.shape[0]:
        return False
    return by is None or by.type.shape == ids.type.shape


def _looked_up(node: Node) -> bool:
    """[B, L, D]"""
    return (
        isinstance(node.op, Gather) and not node.op.computed and node.type.rank == 3 and node.inputs[1].type.rank == 2
    )


def _spread(node: Node, axis: int | None) -> Node | None:
    """The matrix that it is, with an axis of size 1 more."""
    if axis is None or not isinstance(node.op, Reshape) or node.inputs[0].type.rank != 2:
        return None
    shape = [*node.inputs[0].type.shape]
    shape.insert(axis, 1)
    return node.inputs[0] if node.type.shape == tuple(shape) else None
