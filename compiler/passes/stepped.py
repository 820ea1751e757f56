"""A step of rows that ids name is added to their table as it comes, where kernels are compiled.

Otherwise the rows of each id are found and added up first, in memory that is written, read and cleared each time.
Roundings differ: up to eight rows of an id are added to its table one by one.
"""

from __future__ import annotations

from compiler.ir.graph import Graph, Node, apply
from compiler.ops.elementwise import Mul, Neg, constant
from compiler.ops.gathered import AddOuter, ScatterOuter
from compiler.ops.lookup import AddRows, ScatterRows
from compiler.ops.shape import Reshape
from compiler.passes.block import Block, around, with_roots


def stepped(graph: Graph) -> Graph:
    """add_rows(table, neg(mul(scatter_outer(ids, x, by), rate))) -> add_outer(table, ids, x, neg(rate), by)

    The same without neg or with more factors, and for scatter_rows(ids, x) of one id an example.
    """
    block = around(graph)
    found: dict[Node, Node] = {}
    for node in block.nodes:
        if isinstance(node.op, AddRows):
            new = _added(node, block)
            if new is not None:
                found[node] = new
    return with_roots(graph, block.exchanged(found).roots) if found else graph


def _added(node: Node, block: Block) -> Node | None:
    table, rows = node.inputs
    scale = constant(1.0, table.type.dtype, node.span)
    while len(block.users[rows]) == 1 and rows not in block.roots:
        match rows:
            case Node(op=Neg(), inputs=(x,)):
                scale, rows = apply(Neg(), scale, span=node.span), x
            case Node(op=Mul(), inputs=(x, factor)) if not factor.type.shape:
                scale, rows = apply(Mul(), scale, factor, span=node.span), x
            case Node(op=Mul(), inputs=(factor, x)) if not factor.type.shape:
                scale, rows = apply(Mul(), scale, factor, span=node.span), x
            case Node(op=ScatterOuter(), inputs=(ids, x, *by)):
                return apply(AddOuter(), table, ids, x, scale, *by, span=node.span)
            case Node(op=ScatterRows(), inputs=(ids, x)) if ids.type.rank == 1:
                one = apply(Reshape((*ids.type.shape, 1)), ids, span=node.span)
                return apply(AddOuter(), table, one, x, scale, span=node.span)
            case _:
                return None
    return None
