"""Weights that a loop reads transposed are laid out transposed, once, before it. Roundings differ."""

from __future__ import annotations

from compiler.ir.graph import Graph, Node, apply
from compiler.ops.product import MatMul
from compiler.ops.shape import Transpose
from compiler.passes.block import body_of
from compiler.passes.lift import edit_scans
from compiler.recurrence import Recurrence, part


def transpose(graph: Graph) -> Graph:
    """In a body, matmul(x, w) transposed, of a w that all steps share -> matmul(x, transpose(w))"""
    return edit_scans(graph, _edit)


def _edit(loop: Recurrence) -> list[Node] | None:
    body = body_of(loop)
    found: dict[Node, Node] = {}
    turned: dict[Node, Node] = {}
    for node in body.nodes:
        if isinstance(node.op, MatMul) and node.op.transposed and node.inputs[1] not in body.own:
            weight = node.inputs[1]
            if weight not in turned:
                turned[weight] = apply(Transpose((1, 0)), weight, span=node.span)
            found[node] = apply(MatMul(), node.inputs[0], turned[weight], span=node.span)
    if not found:
        return None
    loop.replace_roots(body.exchanged(found).roots)
    scan = loop.close()
    return [part(scan, i) for i in range(len(scan.type.parts))]
