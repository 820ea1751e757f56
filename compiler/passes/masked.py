"""Products read a sequence as it is with its padding cleared, where that is there anyway: one array instead of two."""

from __future__ import annotations

from compiler.ir.graph import Graph, Node, apply
from compiler.ops.product import MatMul
from compiler.ops.sequence import Mask
from compiler.passes.block import around, with_roots
from compiler.passes.canonical import mask_of_masked
from compiler.passes.cse import cse
from compiler.passes.rewrite import serves


def masked(graph: Graph) -> Graph:
    """matmul(x, w) beside mask(x) -> matmul(mask(x), w), whose padding is 0 then; masks of what is 0 there go"""
    graph = cse(graph)
    block = around(graph)
    clear: dict[Node, Node] = {}
    for node in block.nodes:
        if isinstance(node.op, Mask) and node.op.fill == "zero":
            clear.setdefault(node.inputs[0], node)
    found: dict[Node, Node] = {}
    for node in block.nodes:
        if isinstance(node.op, MatMul) and node.inputs[0] in clear:
            new = apply(node.op, clear[node.inputs[0]], node.inputs[1], span=node.span)
            if serves(new.type, node.type):
                found[node] = new
    return with_roots(graph, block.exchanged(found).settled((mask_of_masked,)).roots) if found else graph
