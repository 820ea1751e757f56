"""Products with the picks of a maximum go over the picks alone, where kernels are compiled: NumPy has no such loop."""

from __future__ import annotations

from collections.abc import Mapping

from compiler.ir.graph import Graph, Node, apply
from compiler.ir.types import value_of
from compiler.ops.distinct import MatMulRows, OuterRows, PutPicks
from compiler.ops.elementwise import Add
from compiler.ops.picks import PicksMatMul, PicksOuter
from compiler.passes.block import around, with_roots

LONG = 16
"""Words of a text. A product over all its words is faster a number by as much."""


def picks(graph: Graph, sizes: Mapping[str, int]) -> Graph:
    """outer_rows(rows, put_picks(x)) -> picks_outer(rows, x), matmul_rows(put_picks(x), w) -> picks_mat_mul(x, w)

    and sums of such to one after the other, each added to those before
    """
    block = around(graph)
    found: dict[Node, Node] = {}
    for node in block.nodes:
        match node:
            case Node(op=OuterRows(), inputs=(rows, Node(op=PutPicks(size, dilation, before)) as put)) if (
                put.inputs[3] is rows
            ):
                if _is_long(put, sizes):
                    op = PicksOuter(size, dilation, before)
                    found[node] = apply(op, rows, *put.inputs[:3], span=node.span)
            case Node(op=MatMulRows(transposed=True), inputs=(Node(op=PutPicks(size, dilation, before)) as put, w)):
                if _is_long(put, sizes):
                    op = PicksMatMul(size, dilation, before)
                    found[node] = apply(op, *put.inputs, w, span=node.span)
            case _:
                pass
    return _added(with_roots(graph, block.exchanged(found).roots)) if found else graph


def _added(graph: Graph) -> Graph:
    """add(a, picks_mat_mul(x, w)) -> picks_mat_mul(x, w, a), which adds its rows to those of a"""
    block = around(graph)
    found: dict[Node, Node] = {}
    taken: set[Node] = set()
    for node in block.nodes:
        if not isinstance(node.op, Add) or node.type.rows is None:
            continue
        for product, other in (node.inputs[::-1], node.inputs):
            alone = len(product.inputs) == PICKED and len(block.users[product]) == 1 and product is not other
            if isinstance(product.op, PicksMatMul) and alone and other.type == node.type and product not in taken:
                found[node] = apply(product.op, *product.inputs, other, span=product.span)
                taken.add(product)
                break
    return with_roots(graph, block.exchanged(found).roots) if found else graph


PICKED = 5
"""Operands of a product with picks, without what it is added to."""


def _is_long(put: Node, sizes: Mapping[str, int]) -> bool:
    return value_of(put.inputs[2].type.shape[1], sizes) >= LONG
