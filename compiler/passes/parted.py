"""Sums over many rows as a sum of what each thread sums of its own, where kernels are compiled: gradients of weights
and biases.

What a thread has just written it reads itself. And BLAS lays out what a product multiplies with before it does so: if
each thread has some of the result's rows or columns, that is as much work again for each. Roundings differ.
"""

from __future__ import annotations

from collections.abc import Mapping

from compiler.ir.graph import Graph, Node, apply
from compiler.ir.types import elements, value_of
from compiler.ops.elementwise import Add
from compiler.ops.parted import OuterParts, SumParts
from compiler.ops.product import Outer
from compiler.ops.reduction import Sum
from compiler.ops.shape import Reshape, Slice
from compiler.passes.block import around, with_roots

MANY = 512
"""Rows that a thread sums at least: to add up what threads have takes a fraction of that."""
FEW = 1 << 18
"""Numbers of the result at most: of more it lies in no cache."""
NARROW = 16
"""Fewer columns are added as rows of many at once."""


def parted(graph: Graph, sizes: Mapping[str, int], threads: int) -> Graph:
    """outer(x, y) -> outer_parts(x, y)[0] + outer_parts(x, y)[1], for two threads; and so sum(x) down to its columns"""
    if threads < 2:
        return graph
    block = around(graph)
    found: dict[Node, Node] = {}
    for node in block.nodes:
        op = _in_parts(node, threads)
        if op is not None and _is_worth_it(node, sizes, threads):
            found[node] = _added(apply(op, *node.inputs, span=node.span), node)
    return with_roots(graph, block.exchanged(found).roots) if found else graph


def _in_parts(node: Node, threads: int) -> OuterParts | SumParts | None:
    match node.op:
        case Outer():
            return OuterParts(threads)
        case Sum(axes=axes, keep=False) if axes == tuple(range(node.inputs[0].type.rank - 1)) and axes:
            return SumParts(threads) if node.inputs[0].type.rows is None else None
        case _:
            return None


def _is_worth_it(node: Node, sizes: Mapping[str, int], threads: int) -> bool:
    x = node.inputs[0].type
    width = value_of(x.shape[-1], sizes)
    rows = elements(x, sizes) // max(width, 1)
    return rows >= MANY * threads and width >= NARROW and elements(node.type, sizes) <= FEW


def _added(parts: Node, like: Node) -> Node:
    """The sum of the parts, each a number of the first axis."""
    threads = parts.type.shape[0]
    assert isinstance(threads, int)
    each = [apply(Slice(0, i, 1), parts, span=like.span) for i in range(threads)]
    whole, *others = (apply(Reshape(like.type.shape), part, span=like.span) for part in each)
    for part in others:
        whole = apply(Add(), whole, part, span=like.span)
    return whole
